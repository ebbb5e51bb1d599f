// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/matrix_shape.h"

namespace r1::cuda {

/// A product of any sizes and alignment by a plain kernel: for what cuBLASLt has no algorithm. Adds
/// bias[columns] and added[rows, columns] where they are not null; `added` may be d. Sums are made
/// in float in the order of the depth and rounded once. T, Out: Bf16, Bf16; Bf16, float; or float,
/// float.
template <class T, class Out>
void tiled_product(Out* d, const T* a, const T* b, const T* bias, const Out* added,
                   const MatrixShape& shape, cudaStream_t stream);

}  // namespace r1::cuda
