// SPDX-License-Identifier: Apache-2.0
// Root mean square layer normalisation (Zhang & Sennrich 2019, eq. 4) of one row by one block.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {

/// y = x · rstd · w, rounded to T; gives rstd = 1 / sqrt(mean(x²) ). The row is taken N values
/// at a time.
template <int N, class T>
__device__ float normalise_row(T* y, const T* x, const T* w, std::int64_t width, float eps) {
    float squares = 0;
    for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < width; j += blockDim.x * N) {
        const Lanes<N> value = load<N>(x + j);
#pragma unroll
        for (int l = 0; l < N; ++l) squares = fmaf(value.v[l], value.v[l], squares);
    }
    squares = block_reduce(squares, Add{});
    const float rstd = 1.0F / sqrtf(squares / static_cast<float>(width) + eps);
    for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < width; j += blockDim.x * N) {
        Lanes<N> value = load<N>(x + j);
        const Lanes<N> weight = load<N>(w + j);
#pragma unroll
        for (int l = 0; l < N; ++l) value.v[l] *= rstd * weight.v[l];
        store<N>(y + j, value);
    }
    return rstd;
}

}  // namespace r1::cuda
