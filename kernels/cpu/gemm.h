// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/cpu/simd.h"
#include "kernels/cpu/workspace.h"

namespace r1::cpu {
inline namespace R1_ISA {

/// c[i, j] = start + Σ_l a(i, l) · b(l, j), where start is c itself, bias[j] or 0.
struct Product {
    float* c = nullptr;  ///< [m, n], dense
    std::int32_t m = 0, n = 0, k = 0;
    const float* a = nullptr;
    std::int64_t a_row = 0, a_column = 0;  ///< strides: a(i, l) = a[i * a_row + l * a_column]
    const float* b = nullptr;
    std::int64_t b_stride = 0;
    bool b_transposed = false;  ///< b(l, j) = b[j * b_stride + l], else b[l * b_stride + j]
    const float* bias = nullptr;
    bool accumulate = false;
};

/// Every element is one chain of multiply-adds in the order of l: its bits depend on its own row
/// and column alone, not on m, n, blocking or threads.
void multiply(const Product& product, Workspace& workspace);

}  // namespace R1_ISA
}  // namespace r1::cpu
