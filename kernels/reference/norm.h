// SPDX-License-Identifier: Apache-2.0
// Root mean square layer normalisation (Zhang & Sennrich 2019, eq. 4).
#pragma once

#include <cmath>
#include <cstdint>

namespace r1::reference {

template <class T>
void rms_norm_forward(T* y, T* rstd, const T* x, const T* w, std::int32_t m, std::int32_t width,
                      double eps) {
    for (std::int64_t i = 0; i < m; ++i) {
        const T* row = x + i * width;
        T squares = 0;
        for (std::int64_t j = 0; j < width; ++j) squares += row[j] * row[j];
        rstd[i] = T{1} / std::sqrt(squares / static_cast<T>(width) + static_cast<T>(eps));
        for (std::int64_t j = 0; j < width; ++j) y[i * width + j] = row[j] * rstd[i] * w[j];
    }
}

// With u = x · rstd:  dx = rstd · (w · dy − u · mean(u · w · dy)),  dw = Σ u · dy.
template <class T>
void rms_norm_backward(T* dx, T* dw, const T* dy, const T* x, const T* w, const T* rstd,
                       std::int32_t m, std::int32_t width) {
    for (std::int64_t i = 0; i < m; ++i) {
        const T* row = x + i * width;
        const T* grad = dy + i * width;
        T mean = 0;
        for (std::int64_t j = 0; j < width; ++j) mean += row[j] * rstd[i] * w[j] * grad[j];
        mean /= static_cast<T>(width);
        for (std::int64_t j = 0; j < width; ++j) {
            const T unit = row[j] * rstd[i];
            dx[i * width + j] += rstd[i] * (w[j] * grad[j] - unit * mean);
            dw[j] += unit * grad[j];
        }
    }
}

}  // namespace r1::reference
