// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include "common/error.h"
#include "kernels/cuda/cached_rows.cuh"
#include "kernels/cuda/instructions.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/rotary.cuh"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

constexpr int kThreads = 128;

/// Heads go back to where they came from.
template <class T>
struct InPlace {
    __device__ T* place_of(T* head, std::int32_t) const { return head; }
    template <int N>
    __device__ void store_rest(const T*) const {}
};

/// Queries go back; keys, and the values behind them, go to the cache, unless the row is idle.
template <class T>
struct ToCache {
    PagedCache<T> cache;
    CachedRows rows;
    std::int64_t keys, kv_width;  ///< where in a row the keys begin; columns of them

    __device__ bool idle() const {
        return is_idle(rows, cache.page_tokens, rows.positions[blockIdx.x]);
    }
    __device__ std::int64_t begin() const {
        return cache_row(rows, cache.page_tokens, blockIdx.x, rows.positions[blockIdx.x]) *
               kv_width;
    }
    /// `column`: where in its row the head begins. Null: nowhere.
    __device__ T* place_of(T* head, std::int32_t column) const {
        if (column < keys) return head;
        return idle() ? nullptr : cache.keys + begin() + column - keys;
    }
    template <int N>
    __device__ void store_rest(const T* row) const {
        if (idle()) return;
        T* to = cache.values + begin();
        for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < kv_width; j += kThreads * N)
            store_packed<N>(to + j, load_packed<N>(row + keys + kv_width + j));
    }
};

template <class T, int N, class Target>
__global__ void rope_kernel(T* x, const std::int32_t* positions, std::int32_t heads,
                            std::int32_t half, std::int64_t row_stride, Frequencies frequencies,
                            float direction, Target target) {
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
        const std::int32_t j = i % steps * N, column = i / steps * 2 * half;
        T* to = target.place_of(row + column, column);
        if (to == nullptr) continue;
        Lanes<N> a = load<N>(row + column + j), b = load<N>(row + column + half + j);
#pragma unroll
        for (int l = 0; l < N; ++l) rotations[j + l].turn(a.v[l], b.v[l]);
        store<N>(to + j, a);
        store<N>(to + half + j, b);
    }
    target.template store_rest<N>(row);
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
    const auto kernel = packed ? rope_kernel<T, kLanes, InPlace<T>> : rope_kernel<T, 1, InPlace<T>>;
    launch_ahead(kernel, dim3(static_cast<unsigned>(m)), dim3(kThreads), 0, stream, x, positions,
                 heads, half, row_stride, frequencies, inverse ? -1.0F : 1.0F, InPlace<T>{});
}

template <class T>
void rope_to_cache(const PagedCache<T>& cache, T* qkv, const CachedRows& rows,
                   const HeadShape& shape, double theta, cudaStream_t stream) {
    const std::int32_t half = shape.head_dim / 2;
    const Frequencies frequencies = frequencies_of(theta, shape.head_dim);
    const ToCache<T> target{cache, rows, shape.query_width(), shape.kv_width()};
    const bool packed = half % kLanes == 0 && rows_are_packed(shape.qkv_width(), qkv) &&
                        rows_are_packed(shape.kv_width(), cache.keys, cache.values);
    const auto kernel = packed ? rope_kernel<T, kLanes, ToCache<T>> : rope_kernel<T, 1, ToCache<T>>;
    launch_ahead(kernel, dim3(static_cast<unsigned>(rows.rows)), dim3(kThreads), 0, stream, qkv,
                 rows.positions, shape.heads + shape.kv_heads, half, shape.qkv_width(), frequencies,
                 1.0F, target);
}

template void rope(Bf16*, const std::int32_t*, std::int32_t, std::int32_t, std::int32_t,
                   std::int32_t, double, bool, cudaStream_t);
template void rope(float*, const std::int32_t*, std::int32_t, std::int32_t, std::int32_t,
                   std::int32_t, double, bool, cudaStream_t);
template void rope_to_cache(const PagedCache<Bf16>&, Bf16*, const CachedRows&, const HeadShape&,
                            double, cudaStream_t);
template void rope_to_cache(const PagedCache<float>&, float*, const CachedRows&, const HeadShape&,
                            double, cudaStream_t);

}  // namespace r1::cuda
