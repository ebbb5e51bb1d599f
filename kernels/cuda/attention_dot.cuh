// SPDX-License-Identifier: Apache-2.0
// dot[row, head] = the sum of dout · out over the head's columns.
#pragma once

#include <cuda_runtime.h>

#include "kernels/backend.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {

// A warp makes one sum: lane i adds the columns i, i + 32, …
template <class T>
__global__ void attention_dot_kernel(float* dot, const T* dout, const T* out, std::int64_t count,
                                     int head_dim) {
    const std::int64_t item = static_cast<std::int64_t>(blockIdx.x) * 8 + threadIdx.x / 32;
    if (item >= count) return;
    const int lane = static_cast<int>(threadIdx.x % 32);
    float sum = 0;
    for (int d = lane; d < head_dim; d += 32) {
        const std::int64_t at = item * head_dim + d;
        sum = fmaf(to_float(dout[at]), to_float(out[at]), sum);
    }
    for (int distance = 16; distance > 0; distance /= 2) {
        sum += __shfl_xor_sync(0xffffffffu, sum, distance);
    }
    if (lane == 0) dot[item] = sum;
}

template <class T>
void attention_dot(float* dot, const T* dout, const T* out, std::int32_t rows,
                   const HeadShape& shape, cudaStream_t stream) {
    const std::int64_t count = static_cast<std::int64_t>(rows) * shape.heads;
    launch(attention_dot_kernel<T>, dim3(static_cast<unsigned>((count + 7) / 8)), dim3(256), 0,
           stream, dot, dout, out, count, shape.head_dim);
}

}  // namespace r1::cuda
