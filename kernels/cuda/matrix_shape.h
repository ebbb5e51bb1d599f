// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace r1::cuda {

/// D[rows, columns] = A[rows, depth] · B[columns, depth]ᵀ, all row-major and dense. A transposed
/// operand lies in memory as [depth, rows] or [depth, columns].
struct MatrixShape {
    std::int32_t rows = 0;
    std::int32_t columns = 0;
    std::int32_t depth = 0;
    bool a_transposed = false;
    bool b_transposed = false;
};

}  // namespace r1::cuda
