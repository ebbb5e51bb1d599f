// SPDX-License-Identifier: Apache-2.0
// y = silu(gate) · up (Shazeer 2020), with silu(g) = g · σ(g).
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/backend.h"

namespace r1::reference {

template <class T>
T sigmoid(T x) {
    return T{1} / (T{1} + std::exp(-x));
}

template <class T>
void swiglu_forward(T* y, const T* gate_up, std::int32_t m, std::int32_t n) {
    for (std::int64_t i = 0; i < m; ++i) {
        const T* gate = gate_up + 2 * i * n;
        const T* up = gate + n;
        for (std::int64_t j = 0; j < n; ++j) {
            const auto g = static_cast<Wide<T>>(gate[j]);
            y[i * n + j] = static_cast<T>(g * sigmoid(g) * static_cast<Wide<T>>(up[j]));
        }
    }
}

template <class T>
void swiglu_backward(T* dgate_up, const T* dy, const T* gate_up, std::int32_t m, std::int32_t n) {
    using W = Wide<T>;
    for (std::int64_t i = 0; i < m; ++i) {
        const T* gate = gate_up + 2 * i * n;
        const T* up = gate + n;
        T* dgate = dgate_up + 2 * i * n;
        T* dup = dgate + n;
        for (std::int64_t j = 0; j < n; ++j) {
            const auto g = static_cast<W>(gate[j]);
            const auto grad = static_cast<W>(dy[i * n + j]);
            const W s = sigmoid(g);
            dgate[j] = static_cast<T>(grad * static_cast<W>(up[j]) * s * (W{1} + g * (W{1} - s)));
            dup[j] = static_cast<T>(grad * g * s);
        }
    }
}

}  // namespace r1::reference
