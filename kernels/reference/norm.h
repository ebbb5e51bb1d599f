// SPDX-License-Identifier: Apache-2.0
// Root mean square layer normalisation (Zhang & Sennrich 2019, eq. 4).
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/backend.h"

namespace r1::reference {

template <class T>
void rms_norm_forward(T* y, Wide<T>* rstd, const T* x, const T* w, std::int32_t m,
                      std::int32_t width, double eps) {
    using W = Wide<T>;
    for (std::int64_t i = 0; i < m; ++i) {
        const T* row = x + i * width;
        W squares = 0;
        for (std::int64_t j = 0; j < width; ++j)
            squares += static_cast<W>(row[j]) * static_cast<W>(row[j]);
        rstd[i] = W{1} / std::sqrt(squares / static_cast<W>(width) + static_cast<W>(eps));
        for (std::int64_t j = 0; j < width; ++j)
            y[i * width + j] =
                static_cast<T>(static_cast<W>(row[j]) * rstd[i] * static_cast<W>(w[j]));
    }
}

// With u = x · rstd:  dx = rstd · (w · dy − u · mean(u · w · dy)),  dw = Σ u · dy.
template <class T>
void rms_norm_backward(T* dx, Wide<T>* dw, const T* dy, const T* x, const T* w, const Wide<T>* rstd,
                       std::int32_t m, std::int32_t width) {
    using W = Wide<T>;
    for (std::int64_t i = 0; i < m; ++i) {
        const T* row = x + i * width;
        const T* grad = dy + i * width;
        const auto weighted = [&](std::int64_t j) {
            return static_cast<W>(w[j]) * static_cast<W>(grad[j]);
        };
        W mean = 0;
        for (std::int64_t j = 0; j < width; ++j)
            mean += static_cast<W>(row[j]) * rstd[i] * weighted(j);
        mean /= static_cast<W>(width);
        for (std::int64_t j = 0; j < width; ++j) {
            const W unit = static_cast<W>(row[j]) * rstd[i];
            T& target = dx[i * width + j];
            target = static_cast<T>(static_cast<W>(target) + rstd[i] * (weighted(j) - unit * mean));
            dw[j] += unit * static_cast<W>(grad[j]);
        }
    }
}

}  // namespace r1::reference
