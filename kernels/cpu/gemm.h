// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/cpu/simd.h"
#include "kernels/cpu/workspace.h"

namespace r1::cpu {
inline namespace R1_ISA {

/// y[m,n] = x[m,k] · w[n,k]ᵀ + bias[n]; bias may be null.
struct Product {
    float* y = nullptr;
    const float* x = nullptr;
    const float* w = nullptr;
    const float* bias = nullptr;
    std::int32_t m = 0, n = 0, k = 0;
};

/// Every element is one chain of multiply-adds in the order of k: its bits depend on its own row
/// and column alone, not on m, n, blocking or threads. No library promises that
/// (docs/kernels.md), and rollout and training would disagree without it.
void multiply(const Product& product, Workspace& workspace);

}  // namespace R1_ISA
}  // namespace r1::cpu
