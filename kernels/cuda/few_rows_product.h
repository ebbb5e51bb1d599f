// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/matrix_shape.h"

namespace r1::cuda {

/// Whether few_rows_product() takes this: up to 4 rows, operands that are not transposed, and rows
/// that begin at multiples of 16 bytes.
bool is_few_rows_product(const MatrixShape& shape, const void* a, const void* b);

/// The product of decoding: B is read once, as fast as memory gives it. A row's bits do not depend
/// on the number of rows. Otherwise as tiled_product().
template <class T, class Out>
void few_rows_product(Out* d, const T* a, const T* b, const T* bias, const Out* added,
                      const MatrixShape& shape, cudaStream_t stream);

}  // namespace r1::cuda
