// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace r1::reference {

template <class T>
void linear_forward(T* y, const T* x, const T* w, const T* bias, std::int32_t m, std::int32_t n,
                    std::int32_t k) {
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            T sum = bias == nullptr ? T{0} : bias[j];
            for (std::int64_t l = 0; l < k; ++l) sum += x[i * k + l] * w[j * k + l];
            y[i * n + j] = sum;
        }
    }
}

template <class T>
void linear_backward_input(T* dx, const T* dy, const T* w, std::int32_t m, std::int32_t n,
                           std::int32_t k, bool accumulate) {
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t l = 0; l < k; ++l) {
            T sum = accumulate ? dx[i * k + l] : T{0};
            for (std::int64_t j = 0; j < n; ++j) sum += dy[i * n + j] * w[j * k + l];
            dx[i * k + l] = sum;
        }
    }
}

template <class T>
void linear_backward_weight(T* dw, T* dbias, const T* dy, const T* x, std::int32_t m,
                            std::int32_t n, std::int32_t k) {
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            if (dbias != nullptr) dbias[j] += dy[i * n + j];
            for (std::int64_t l = 0; l < k; ++l) dw[j * k + l] += dy[i * n + j] * x[i * k + l];
        }
    }
}

}  // namespace r1::reference
