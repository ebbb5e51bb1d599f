// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cached_rows.cuh"
#include "kernels/cuda/instructions.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

// k and v lie side by side in qkv; a block copies those of one row.
template <class T, int N>
__global__ void cache_store_kernel(PagedCache<T> cache, const T* qkv, CachedRows rows,
                                   std::int64_t query_width, std::int64_t kv_width) {
    wait_for_earlier_kernels();
    const std::int64_t row = blockIdx.x;
    const std::int32_t position = rows.positions[row];
    if (is_idle(rows, cache.page_tokens, position)) return;
    const std::int64_t to = cache_row(rows, cache.page_tokens, row, position) * kv_width;
    const T* from = qkv + row * (query_width + 2 * kv_width) + query_width;
    for (std::int64_t j = threadIdx.x * N; j < 2 * kv_width; j += blockDim.x * N) {
        T* target = j < kv_width ? cache.keys + to + j : cache.values + to + j - kv_width;
        store_packed<N>(target, load_packed<N>(from + j));
    }
}

template <class T, int N>
void start(const PagedCache<T>& cache, const T* qkv, const CachedRows& rows, const HeadShape& shape,
           cudaStream_t stream) {
    launch_ahead(&cache_store_kernel<T, N>, static_cast<unsigned>(rows.rows),
                 row_threads(2 * shape.kv_width(), N), 0, stream, cache, qkv, rows,
                 std::int64_t{shape.query_width()}, std::int64_t{shape.kv_width()});
}

}  // namespace

template <class T>
void cache_store(const PagedCache<T>& cache, const T* qkv, const CachedRows& rows,
                 const HeadShape& shape, cudaStream_t stream) {
    const bool packed = shape.head_dim % kLanes == 0 &&
                        rows_are_packed(shape.kv_width(), qkv, cache.keys, cache.values);
    packed ? start<T, kLanes>(cache, qkv, rows, shape, stream)
           : start<T, 1>(cache, qkv, rows, shape, stream);
}

template void cache_store<Bf16>(const PagedCache<Bf16>&, const Bf16*, const CachedRows&,
                                const HeadShape&, cudaStream_t);
template void cache_store<float>(const PagedCache<float>&, const float*, const CachedRows&,
                                 const HeadShape&, cudaStream_t);

}  // namespace r1::cuda
