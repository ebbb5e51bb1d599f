// SPDX-License-Identifier: Apache-2.0
// The two steps of decoding before attention and before the last product of the feed-forward half,
// each in one kernel.
#include "kernels/cuda/cached_rows.cuh"
#include "kernels/cuda/few_rows.cuh"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/rms_row.cuh"
#include "kernels/cuda/rotary.cuh"
#include "kernels/cuda/silu.cuh"

namespace r1::cuda {
namespace {

/// Rows that each block normalises for itself, rounded to T as they would be in memory.
template <class T>
struct SharedNormedRows {
    const T* x;
    const T* weight;
    std::int64_t depth;
    float eps;

    static constexpr std::size_t shared_bytes(std::int32_t rows, std::int64_t depth) {
        return static_cast<std::size_t>(rows) * static_cast<std::size_t>(depth) * sizeof(T);
    }
    template <int kRows>
    __device__ const T* prepare() const {
        auto* normed = reinterpret_cast<T*>(shared_memory());
        for (int row = 0; row < kRows; ++row)
            normalise_row<kLanes>(normed + row * depth, x + row * depth, weight, depth, eps);
        __syncthreads();
        return normed;
    }
};

/// The pairs of columns that rotary positions turn together, of queries, keys and values alike.
template <class T>
struct StoredHeads {
    T* qkv;
    PagedCache<T> cache;
    CachedRows rows;
    const T* bias;
    Frequencies frequencies;
    std::int32_t half;                           ///< of a head
    std::int64_t keys, values, kv_width, width;  ///< where in a row they begin; columns
    std::int64_t pairs;

    StoredHeads(T* to, const PagedCache<T>& pages, const CachedRows& of, const T* added,
                const HeadShape& shape, double theta)
        : qkv(to),
          cache(pages),
          rows(of),
          bias(added),
          frequencies(frequencies_of(theta, shape.head_dim)),
          half(shape.head_dim / 2),
          keys(shape.query_width()),
          values(keys + shape.kv_width()),
          kv_width(shape.kv_width()),
          width(shape.qkv_width()),
          pairs(width / 2) {}

    __device__ ColumnPair columns(std::int64_t pair) const {
        const std::int64_t first = pair / half * 2 * half + pair % half;
        return {first, first + half};
    }
    __device__ void put(std::int64_t pair, int row, float first, float second) const {
        const ColumnPair at = columns(pair);
        float a = with_bias(at.first, first), b = with_bias(at.second, second);
        const std::int32_t position = rows.positions[row];
        if (at.first < values) Rotation(position, frequencies.of[pair % half]).turn(a, b);
        T* to = qkv + row * width;
        if (at.first >= keys) {
            if (is_idle(rows, cache.page_tokens, position)) return;
            to = at.first < values ? cache.keys - keys : cache.values - values;
            to += cache_row(rows, cache.page_tokens, row, position) * kv_width;
        }
        to[at.first] = rounded<T>(a);
        to[at.second] = rounded<T>(b);
    }
    __device__ float with_bias(std::int64_t column, float sum) const {
        if (bias != nullptr) sum += to_float(bias[column]);
        return to_float(rounded<T>(sum));
    }
};

/// A gate and what it lets through.
template <class T>
struct Gated {
    T* y;
    std::int64_t pairs;

    __device__ ColumnPair columns(std::int64_t pair) const { return {pair, pairs + pair}; }
    __device__ void put(std::int64_t pair, int row, float gate, float up) const {
        y[row * pairs + pair] =
            rounded<T>(gated(to_float(rounded<T>(gate)), to_float(rounded<T>(up))));
    }
};

template <class T, class Sink>
bool normed_product(const NormedRows<T>& x, const T* w, const Sink& sink, std::int32_t rows,
                    cudaStream_t stream) {
    if (!takes_few_rows<SharedNormedRows<T>>(rows, x.width, x.x, x.weight, w)) return false;
    few_rows(SharedNormedRows<T>{x.x, x.weight, x.width, static_cast<float>(x.eps)}, w, sink, rows,
             x.width, stream);
    return true;
}

}  // namespace

template <class T>
bool few_rows_attention_inputs(T* qkv, const PagedCache<T>& cache, const NormedRows<T>& x,
                               const T* w, const T* bias, const CachedRows& rows,
                               const HeadShape& shape, double theta, cudaStream_t stream) {
    if (shape.head_dim % 2 != 0) return false;
    const StoredHeads<T> sink(qkv, cache, rows, bias, shape, theta);
    return normed_product(x, w, sink, rows.rows, stream);
}

template <class T>
bool few_rows_feed_forward_inputs(T* y, const NormedRows<T>& x, const T* w, std::int32_t m,
                                  std::int32_t n, cudaStream_t stream) {
    return normed_product(x, w, Gated<T>{y, n}, m, stream);
}

template bool few_rows_attention_inputs(Bf16*, const PagedCache<Bf16>&, const NormedRows<Bf16>&,
                                        const Bf16*, const Bf16*, const CachedRows&,
                                        const HeadShape&, double, cudaStream_t);
template bool few_rows_attention_inputs(float*, const PagedCache<float>&, const NormedRows<float>&,
                                        const float*, const float*, const CachedRows&,
                                        const HeadShape&, double, cudaStream_t);
template bool few_rows_feed_forward_inputs(Bf16*, const NormedRows<Bf16>&, const Bf16*,
                                           std::int32_t, std::int32_t, cudaStream_t);
template bool few_rows_feed_forward_inputs(float*, const NormedRows<float>&, const float*,
                                           std::int32_t, std::int32_t, cudaStream_t);

}  // namespace r1::cuda
