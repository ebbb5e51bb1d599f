// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding (Su et al. 2021), half-split: pair j is (x[j], x[j + head_dim / 2]).
#pragma once

#include <cmath>
#include <cstdint>

namespace r1::reference {

template <class T>
void rope(T* x, const std::int32_t* positions, std::int32_t m, std::int32_t heads,
          std::int32_t head_dim, std::int32_t row_stride, double theta, bool inverse) {
    const std::int32_t half = head_dim / 2;
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int32_t j = 0; j < half; ++j) {
            const double angle = positions[i] * std::pow(theta, -2.0 * j / head_dim);
            const T cosine = static_cast<T>(std::cos(angle));
            const T sine = static_cast<T>(inverse ? -std::sin(angle) : std::sin(angle));
            for (std::int64_t h = 0; h < heads; ++h) {
                T* pair = x + i * row_stride + h * head_dim + j;
                const T a = pair[0], b = pair[half];
                pair[0] = a * cosine - b * sine;
                pair[half] = b * cosine + a * sine;
            }
        }
    }
}

}  // namespace r1::reference
