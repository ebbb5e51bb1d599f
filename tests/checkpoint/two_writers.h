// SPDX-License-Identifier: Apache-2.0
// What two processes hold of three tensors, for the golden checkpoint that they wrote together.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/file_layout.h"

namespace r1 {

class TwoWriters {
  public:
    const std::vector<TensorInfo>& tensors() const { return tensors_; }
    /// The first five of nine rows of each, and the rest; the last tensor is the second's alone.
    std::vector<std::vector<TensorRange>> ranges() const {
        std::vector<std::vector<TensorRange>> both(2);
        for (std::size_t i = 0; i < 2; ++i) {
            const std::uint64_t row = tensors_[i].bytes() / 9;
            both[0].push_back({i, 0, 5 * row});
            both[1].push_back({i, 5 * row, 4 * row});
        }
        both[1].push_back({2, 0, tensors_[2].bytes()});
        return both;
    }
    std::string bytes(std::size_t tensor) const {
        std::string text(tensors_[tensor].bytes(), '\0');
        for (std::size_t i = 0; i < text.size(); ++i)
            text[i] = static_cast<char>(i * 13 + tensor * 101);
        return text;
    }

  private:
    std::vector<TensorInfo> tensors_{{"model/a", TensorType::kFloat32, {9, 70}},
                                     {"model/b", TensorType::kBfloat16, {9, 3, 2}},
                                     {"adam/m/a", TensorType::kFloat32, {4}}};
};

}  // namespace r1
