// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/backend.h"

namespace r1::reference {

/// x[i] · w[j] of k values, on top of `start`.
template <class T>
Wide<T> dot_rows(const T* x, const T* w, std::int64_t k, Wide<T> start = 0) {
    for (std::int64_t l = 0; l < k; ++l)
        start += static_cast<Wide<T>>(x[l]) * static_cast<Wide<T>>(w[l]);
    return start;
}

template <class T>
void linear_forward(T* y, const T* x, const T* w, const T* bias, std::int32_t m, std::int32_t n,
                    std::int32_t k) {
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            const auto start = bias == nullptr ? Wide<T>{0} : static_cast<Wide<T>>(bias[j]);
            y[i * n + j] = static_cast<T>(dot_rows(x + i * k, w + j * k, k, start));
        }
    }
}

template <class T>
void linear_forward_residual(T* y, const T* x, const T* w, const T* residual, std::int32_t m,
                             std::int32_t n, std::int32_t k) {
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            const Wide<T> sum = dot_rows(x + i * k, w + j * k, k);
            y[i * n + j] = static_cast<T>(sum + static_cast<Wide<T>>(residual[i * n + j]));
        }
    }
}

template <class T>
void linear_forward_wide(Wide<T>* y, const T* x, const T* w, std::int32_t m, std::int32_t n,
                         std::int32_t k) {
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) y[i * n + j] = dot_rows(x + i * k, w + j * k, k);
    }
}

template <class T>
void linear_backward_input(T* dx, const T* dy, const T* w, std::int32_t m, std::int32_t n,
                           std::int32_t k, bool accumulate) {
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t l = 0; l < k; ++l) {
            Wide<T> sum = accumulate ? static_cast<Wide<T>>(dx[i * k + l]) : 0;
            for (std::int64_t j = 0; j < n; ++j)
                sum += static_cast<Wide<T>>(dy[i * n + j]) * static_cast<Wide<T>>(w[j * k + l]);
            dx[i * k + l] = static_cast<T>(sum);
        }
    }
}

template <class T>
void linear_backward_weight(Wide<T>* dw, Wide<T>* dbias, const T* dy, const T* x, std::int32_t m,
                            std::int32_t n, std::int32_t k) {
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            const auto grad = static_cast<Wide<T>>(dy[i * n + j]);
            if (dbias != nullptr) dbias[j] += grad;
            for (std::int64_t l = 0; l < k; ++l)
                dw[j * k + l] += grad * static_cast<Wide<T>>(x[i * k + l]);
        }
    }
}

}  // namespace r1::reference
