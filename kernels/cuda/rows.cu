// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/instructions.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

template <class V, int N>
__global__ void gather_rows_kernel(V* __restrict__ y, const V* __restrict__ x,
                                   const std::int32_t* __restrict__ rows, std::int64_t width) {
    const std::int64_t i = blockIdx.x;
    const V* from = x + rows[i] * width;
    V* to = y + i * width;
    for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < width; j += blockDim.x * N) {
        store_packed<N>(to + j, load_packed<N>(from + j));
    }
}

template <class T, int N>
__global__ void scatter_add_rows_kernel(T* __restrict__ dx, const T* __restrict__ dy,
                                        const std::int32_t* __restrict__ rows, std::int64_t width) {
    const std::int64_t i = blockIdx.x;
    T* to = dx + rows[i] * width;
    const T* from = dy + i * width;
    for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < width; j += blockDim.x * N) {
        Lanes<N> sum = load<N>(to + j);
        const Lanes<N> added = load<N>(from + j);
#pragma unroll
        for (int l = 0; l < N; ++l) sum.v[l] += added.v[l];
        store<N>(to + j, sum);
    }
}

template <class T, int N>
__global__ void embedding_forward_kernel(T* y, const T* table, TablePart part,
                                         const std::int32_t* ids, std::int64_t width) {
    wait_for_earlier_kernels();
    const std::int64_t i = blockIdx.x;
    const std::int64_t row = std::int64_t{ids[i]} - part.first;
    const bool held = row >= 0 && row < part.count;
    for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < width; j += blockDim.x * N) {
        Packed<T, N> values{};
        if (held) values = load_packed<N>(table + row * width + j);
        store_packed<N>(y + i * width + j, values);
    }
}

}  // namespace

template <class V>
void gather_rows(V* y, const V* x, const std::int32_t* rows, std::int32_t m, std::int32_t width,
                 cudaStream_t stream) {
    if (m == 0 || width == 0) return;
    const bool packed = rows_are_packed(width, y, x);
    const auto kernel = packed ? gather_rows_kernel<V, kLanes> : gather_rows_kernel<V, 1>;
    launch(kernel, dim3(static_cast<unsigned>(m)), dim3(row_threads(width, packed ? kLanes : 1)), 0,
           stream, y, x, rows, width);
}

template <class T>
void scatter_add_rows(T* dx, const T* dy, const std::int32_t* rows, std::int32_t m,
                      std::int32_t width, cudaStream_t stream) {
    if (m == 0 || width == 0) return;
    const bool packed = rows_are_packed(width, dx, dy);
    const auto kernel = packed ? scatter_add_rows_kernel<T, kLanes> : scatter_add_rows_kernel<T, 1>;
    launch(kernel, dim3(static_cast<unsigned>(m)), dim3(row_threads(width, packed ? kLanes : 1)), 0,
           stream, dx, dy, rows, width);
}

template <class T>
void embedding_forward(T* y, const T* table, const TablePart& part, const std::int32_t* ids,
                       std::int32_t m, std::int32_t width, cudaStream_t stream) {
    if (m == 0 || width == 0) return;
    const bool packed = rows_are_packed(width, y, table);
    const auto kernel =
        packed ? embedding_forward_kernel<T, kLanes> : embedding_forward_kernel<T, 1>;
    launch_ahead(kernel, dim3(static_cast<unsigned>(m)),
                 dim3(row_threads(width, packed ? kLanes : 1)), 0, stream, y, table, part, ids,
                 width);
}

template void embedding_forward(Bf16*, const Bf16*, const TablePart&, const std::int32_t*,
                                std::int32_t, std::int32_t, cudaStream_t);
template void embedding_forward(float*, const float*, const TablePart&, const std::int32_t*,
                                std::int32_t, std::int32_t, cudaStream_t);
template void gather_rows(Bf16*, const Bf16*, const std::int32_t*, std::int32_t, std::int32_t,
                          cudaStream_t);
template void gather_rows(float*, const float*, const std::int32_t*, std::int32_t, std::int32_t,
                          cudaStream_t);
template void scatter_add_rows(Bf16*, const Bf16*, const std::int32_t*, std::int32_t, std::int32_t,
                               cudaStream_t);
template void scatter_add_rows(float*, const float*, const std::int32_t*, std::int32_t,
                               std::int32_t, cudaStream_t);

}  // namespace r1::cuda
