// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace r1::cpu {

/// dx[m,k] = dy[m,n] · w[n,k], or += with accumulate. By oneDNN, which measures best at this
/// (docs/kernels.md); the same bits whenever the same call is made with as many threads.
void input_gradient(float* dx, const float* dy, const float* w, std::int32_t m, std::int32_t n,
                    std::int32_t k, bool accumulate, int threads);

/// dw[n,k] += dy[m,n]ᵀ · x[m,k].
void weight_gradient(float* dw, const float* dy, const float* x, std::int32_t m, std::int32_t n,
                     std::int32_t k, int threads);

}  // namespace r1::cpu
