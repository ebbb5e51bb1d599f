// SPDX-License-Identifier: Apache-2.0
// A small checkpoint with every type and the shapes that are easy to get wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace r1 {

struct SampleCheckpoint {
    std::vector<float> weights;
    std::vector<double> moments{0.5, -1e300, 3.0};
    std::vector<std::int32_t> counters{1, -2, 3, 4, -5, 6};
    std::vector<std::int64_t> cursor{std::int64_t{1} << 40};
    std::vector<std::uint8_t> bytes;

    explicit SampleCheckpoint(std::size_t rows = 16, float base = 1.0F) {
        for (std::size_t i = 0; i < rows * 32; ++i) weights.push_back(base + static_cast<float>(i));
        for (int i = 0; i < 5000; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 7));
    }

    std::vector<TensorView> views() const {
        const auto rows = static_cast<std::int64_t>(weights.size() / 32);
        return {{"model/lm_head.weight", TensorType::kFloat32, {rows, 32}, weights.data()},
                {"adam/m/lm_head.weight", TensorType::kFloat64, {3, 1}, moments.data()},
                {"counters", TensorType::kInt32, {1, 2, 3}, counters.data()},
                {"state/cursor", TensorType::kInt64, {}, cursor.data()},
                {"state/bytes", TensorType::kUint8, {5000}, bytes.data()},
                {"state/empty", TensorType::kFloat32, {0, 7}, nullptr}};
    }
};

}  // namespace r1
