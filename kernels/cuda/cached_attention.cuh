// SPDX-License-Identifier: Apache-2.0
// The parts of attention over a paged cache (cached_attention.cu) that both types share: softmax in
// parts, each a maximum, a sum and weighted values, which are folded into one another in a fixed
// order (Dao et al. 2023, "Flash-Decoding"; Milakov & Gimelshein 2018 for the fold).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/cached_rows.cuh"
#include "kernels/cuda/instructions.h"

namespace r1::cuda {

/// A block is four warps; a step of it takes 128 positions, 32 of which are each warp's.
inline constexpr int kAttentionWarps = 4;
inline constexpr int kAttentionThreads = 32 * kAttentionWarps;
inline constexpr int kWarpTokens = 32;
inline constexpr int kStepTokens = kAttentionWarps * kWarpTokens;
static_assert(kShortRun % kStepTokens == 0 && kLongRun % kStepTokens == 0);

/// The block's place in the work: some query heads of one kv head, and one row.
struct CachedHeads {
    std::int64_t row;
    std::int32_t count;  ///< positions to attend to
    std::int32_t first;  ///< query head
    std::int32_t heads;  ///< of this block
    std::int32_t kv_head;
    std::int32_t head_dim;
    float scale;  ///< of scores, for powers of two: log2(e) / sqrt(head_dim)
};

/// Where keys and values are, in units of values.
template <class T>
struct CacheView {
    PagedCache<T> cache;
    CachedRows rows;
    std::int64_t kv_width;

    /// Of the token `position`, the begin of the kv head's vector; 0 for those past the end.
    __device__ __forceinline__ std::int64_t at(const CachedHeads& h, std::int32_t position) const {
        if (position >= h.count) return 0;
        return cache_row(rows, cache.page_tokens, h.row, position) * kv_width +
               std::int64_t{h.kv_head} * h.head_dim;
    }
};

/// Part of the attention of one head: weights are 2^(score - maximum), `sum` is theirs, and
/// `values` are four columns of the weighted values.
struct AttentionPart {
    float maximum = -INFINITY;
    float sum = 0;
    float4 values = make_float4(0, 0, 0, 0);
};

/// 2^(maximum - new_maximum), where a part without tokens has -infinity.
__device__ __forceinline__ float rescale(float maximum, float new_maximum) {
    return maximum == -INFINITY ? 0.0f : exp2_approx(maximum - new_maximum);
}

// Multiply-adds are written out: wherever a fold is compiled, it rounds in the same way.
__device__ __forceinline__ void fold(AttentionPart& into, const AttentionPart& part) {
    const float maximum = fmaxf(into.maximum, part.maximum);
    const float a = rescale(into.maximum, maximum), b = rescale(part.maximum, maximum);
    into.maximum = maximum;
    into.sum = fmaf(into.sum, a, __fmul_rn(part.sum, b));
    into.values.x = fmaf(into.values.x, a, __fmul_rn(part.values.x, b));
    into.values.y = fmaf(into.values.y, a, __fmul_rn(part.values.y, b));
    into.values.z = fmaf(into.values.z, a, __fmul_rn(part.values.z, b));
    into.values.w = fmaf(into.values.w, a, __fmul_rn(part.values.w, b));
}

/// What a warp leaves in shared memory for the others.
template <int kHeads, int kDim>
struct WarpPart {
    float values[kHeads][kDim + 8];  ///< 8 more, so that rows lie in other banks
    float maximum[kHeads];
    float sum[kHeads];

    __device__ __forceinline__ AttentionPart at(int head, int column) const {
        return {maximum[head], sum[head], *reinterpret_cast<const float4*>(&values[head][column])};
    }
};

}  // namespace r1::cuda
