// SPDX-License-Identifier: Apache-2.0
// y = silu(gate) · up (Shazeer 2020), with silu(g) = g · σ(g).
#pragma once

#include <cmath>
#include <cstdint>

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
        for (std::int64_t j = 0; j < n; ++j) y[i * n + j] = gate[j] * sigmoid(gate[j]) * up[j];
    }
}

template <class T>
void swiglu_backward(T* dgate_up, const T* dy, const T* gate_up, std::int32_t m, std::int32_t n) {
    for (std::int64_t i = 0; i < m; ++i) {
        const T* gate = gate_up + 2 * i * n;
        const T* up = gate + n;
        T* dgate = dgate_up + 2 * i * n;
        T* dup = dgate + n;
        for (std::int64_t j = 0; j < n; ++j) {
            const T s = sigmoid(gate[j]);
            dgate[j] = dy[i * n + j] * up[j] * s * (T{1} + gate[j] * (T{1} - s));
            dup[j] = dy[i * n + j] * gate[j] * s;
        }
    }
}

}  // namespace r1::reference
