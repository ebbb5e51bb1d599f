// SPDX-License-Identifier: Apache-2.0
// Rows of one id are added by one block in the order of the rows, so that no addition races with
// another. First each row finds the next row of its id; then the first row of each id walks along.
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

constexpr int kThreads = 256;

/// next[i] is the next row of the id of row i, or -1. is_first[i] says whether the table holds the
/// id and no row before it has it.
__global__ void link_rows_kernel(std::int32_t* __restrict__ next,
                                 std::int32_t* __restrict__ is_first,
                                 const std::int32_t* __restrict__ ids, std::int32_t m,
                                 TablePart part) {
    __shared__ std::int32_t tile[kThreads];
    const std::int32_t thread = static_cast<std::int32_t>(threadIdx.x);
    const std::int32_t i = static_cast<std::int32_t>(blockIdx.x) * kThreads + thread;
    const std::int32_t id = i < m ? ids[i] : -1;
    std::int32_t first = id >= part.first && id - part.first < part.count;
    std::int32_t following = -1;
    for (std::int32_t start = 0; start < m; start += kThreads) {
        __syncthreads();
        if (start + thread < m) tile[thread] = ids[start + thread];
        __syncthreads();
        const std::int32_t size = m - start < kThreads ? m - start : kThreads;
        for (std::int32_t j = 0; j < size; ++j) {
            if (tile[j] != id) continue;
            if (start + j < i) first = 0;
            if (start + j > i && following < 0) following = start + j;
        }
    }
    if (i >= m) return;
    next[i] = following;
    is_first[i] = first;
}

template <class T, int N>
__global__ void add_linked_rows_kernel(Wide<T>* __restrict__ dtable, const T* __restrict__ dy,
                                       const std::int32_t* __restrict__ ids,
                                       const std::int32_t* __restrict__ next,
                                       const std::int32_t* __restrict__ is_first,
                                       std::int32_t first_id, std::int64_t width) {
    const std::int32_t head = static_cast<std::int32_t>(blockIdx.x);
    if (is_first[head] == 0) return;
    Wide<T>* to = dtable + (ids[head] - first_id) * width;
    for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < width; j += blockDim.x * N) {
        Lanes<N> sum = load<N>(to + j);
        for (std::int32_t i = head; i >= 0; i = next[i]) {
            const Lanes<N> added = load<N>(dy + i * width + j);
#pragma unroll
            for (int l = 0; l < N; ++l) sum.v[l] += added.v[l];
        }
        store<N>(to + j, sum);
    }
}

}  // namespace

template <class T>
void embedding_backward(Wide<T>* dtable, const TablePart& part, const T* dy,
                        const std::int32_t* ids, std::int32_t m, std::int32_t width,
                        Scratch& scratch, cudaStream_t stream) {
    if (m == 0 || width == 0) return;
    const auto rows = static_cast<std::size_t>(m);
    auto* next = static_cast<std::int32_t*>(scratch.reserve(2 * rows * sizeof(std::int32_t)));
    std::int32_t* is_first = next + rows;
    launch(link_rows_kernel, dim3(static_cast<unsigned>(parts_of(m, kThreads))), dim3(kThreads), 0,
           stream, next, is_first, ids, m, part);
    const bool packed = rows_are_packed(width, dtable, dy);
    const auto kernel = packed ? add_linked_rows_kernel<T, kLanes> : add_linked_rows_kernel<T, 1>;
    launch(kernel, dim3(static_cast<unsigned>(m)), dim3(row_threads(width, packed ? kLanes : 1)), 0,
           stream, dtable, dy, ids, next, is_first, part.first, width);
}

template void embedding_backward<Bf16>(float*, const TablePart&, const Bf16*, const std::int32_t*,
                                       std::int32_t, std::int32_t, Scratch&, cudaStream_t);
template void embedding_backward<float>(float*, const TablePart&, const float*, const std::int32_t*,
                                        std::int32_t, std::int32_t, Scratch&, cudaStream_t);

}  // namespace r1::cuda
