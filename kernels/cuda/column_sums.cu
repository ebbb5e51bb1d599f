// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/column_sums.cuh"
#include "kernels/cuda/ops.h"

namespace r1::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void add_column_parts_kernel(float* __restrict__ sums, const float* __restrict__ parts,
                                        std::int32_t count, std::int32_t n) {
    const std::int32_t j = static_cast<std::int32_t>(blockIdx.x * kThreads + threadIdx.x);
    if (j >= n) return;
    float sum = 0;
    for (std::int32_t part = 0; part < count; ++part) sum += parts[std::int64_t{part} * n + j];
    sums[j] += sum;
}

template <class T, int N>
struct Values {
    const T* x;
    std::int64_t n;
    __device__ Lanes<N> operator()(std::int32_t i, std::int32_t j) const {
        return load<N>(x + i * n + j);
    }
};

}  // namespace

void add_column_parts(float* sums, const float* parts, std::int32_t count, std::int32_t n,
                      cudaStream_t stream) {
    launch(add_column_parts_kernel, dim3(static_cast<unsigned>(parts_of(n, kThreads))),
           dim3(kThreads), 0, stream, sums, parts, count, n);
}

template <class T>
void add_column_sums(Wide<T>* sums, const T* x, std::int32_t m, std::int32_t n, Scratch& scratch,
                     cudaStream_t stream) {
    if (m == 0 || n == 0) return;
    if (rows_are_packed(n, x)) {
        add_columns<kLanes>(sums, Values<T, kLanes>{x, n}, m, n, scratch, stream);
    } else {
        add_columns<1>(sums, Values<T, 1>{x, n}, m, n, scratch, stream);
    }
}

template void add_column_sums(float*, const Bf16*, std::int32_t, std::int32_t, Scratch&,
                              cudaStream_t);
template void add_column_sums(float*, const float*, std::int32_t, std::int32_t, Scratch&,
                              cudaStream_t);

}  // namespace r1::cuda
