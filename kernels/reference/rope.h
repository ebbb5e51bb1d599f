// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding (Su et al. 2021), half-split: pair j is (x[j], x[j + head_dim / 2]).
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/backend.h"

namespace r1::reference {

template <class T>
void rope(T* x, const std::int32_t* positions, std::int32_t m, std::int32_t heads,
          std::int32_t head_dim, std::int32_t row_stride, double theta, bool inverse) {
    const std::int32_t half = head_dim / 2;
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int32_t j = 0; j < half; ++j) {
            const double angle = positions[i] * std::pow(theta, -2.0 * j / head_dim);
            const auto cosine = static_cast<Wide<T>>(std::cos(angle));
            const auto sine = static_cast<Wide<T>>(inverse ? -std::sin(angle) : std::sin(angle));
            for (std::int64_t h = 0; h < heads; ++h) {
                T* pair = x + i * row_stride + h * head_dim + j;
                const auto a = static_cast<Wide<T>>(pair[0]);
                const auto b = static_cast<Wide<T>>(pair[half]);
                pair[0] = static_cast<T>(a * cosine - b * sine);
                pair[half] = static_cast<T>(b * cosine + a * sine);
            }
        }
    }
}

}  // namespace r1::reference
