// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include "common/error.h"
#include "kernels/cuda/instructions.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/rotary.cuh"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

constexpr int kThreads = 128;

template <class T, int N>
__global__ void rope_kernel(T* x, const std::int32_t* positions, std::int32_t heads,
                            std::int32_t half, std::int64_t row_stride, Frequencies frequencies,
                            float direction) {
    __shared__ Rotation rotations[kMostPairs];  // of the row, for all of its heads
    wait_for_earlier_kernels();
    for (std::int32_t j = static_cast<std::int32_t>(threadIdx.x); j < half; j += kThreads) {
        rotations[j] = Rotation(positions[blockIdx.x], frequencies.of[j]);
        rotations[j].sine *= direction;
    }
    __syncthreads();
    T* row = x + blockIdx.x * row_stride;
    const std::int32_t steps = half / N;  // of each head
    for (std::int32_t i = static_cast<std::int32_t>(threadIdx.x); i < heads * steps;
         i += kThreads) {
        const std::int32_t j = i % steps * N;
        T* first = row + std::int64_t{i / steps} * 2 * half + j;
        Lanes<N> a = load<N>(first), b = load<N>(first + half);
#pragma unroll
        for (int l = 0; l < N; ++l) rotations[j + l].turn(a.v[l], b.v[l]);
        store<N>(first, a);
        store<N>(first + half, b);
    }
}

}  // namespace

Frequencies frequencies_of(double theta, std::int32_t head_dim) {
    if (head_dim > 2 * kMostPairs) {
        throw Error(ExitCode::kUsage, "head_dim " + std::to_string(head_dim) +
                                          " is more than the 512 that rotary positions on a GPU "
                                          "are made for");
    }
    Frequencies frequencies{};
    for (std::int32_t j = 0; j < head_dim / 2; ++j)
        frequencies.of[j] = std::pow(theta, -2.0 * j / head_dim);
    return frequencies;
}

template <class T>
void rope(T* x, const std::int32_t* positions, std::int32_t m, std::int32_t heads,
          std::int32_t head_dim, std::int32_t row_stride, double theta, bool inverse,
          cudaStream_t stream) {
    const std::int32_t half = head_dim / 2;
    const Frequencies frequencies = frequencies_of(theta, head_dim);
    if (m == 0 || heads == 0 || half == 0) return;
    const bool packed = half % kLanes == 0 && rows_are_packed(row_stride, x);
    const auto kernel = packed ? rope_kernel<T, kLanes> : rope_kernel<T, 1>;
    launch_ahead(kernel, dim3(static_cast<unsigned>(m)), dim3(kThreads), 0, stream, x, positions,
                 heads, half, row_stride, frequencies, inverse ? -1.0F : 1.0F);
}

template void rope(Bf16*, const std::int32_t*, std::int32_t, std::int32_t, std::int32_t,
                   std::int32_t, double, bool, cudaStream_t);
template void rope(float*, const std::int32_t*, std::int32_t, std::int32_t, std::int32_t,
                   std::int32_t, double, bool, cudaStream_t);

}  // namespace r1::cuda
