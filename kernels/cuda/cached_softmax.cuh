// SPDX-License-Identifier: Apache-2.0
// The weights of 16 tokens from their scores, in the registers of a warp.
#pragma once

#include "kernels/cuda/cached_tiles.cuh"
#include "kernels/cuda/reduce.cuh"

namespace r1::cuda {

/// Combines what the lanes of all g have, which is what all tokens have; every lane gets it.
template <class Combine>
__device__ __forceinline__ float over_tokens(float value, Combine combine) {
#pragma unroll
    for (int offset = 4; offset < 32; offset *= 2)
        value = combine(value, __shfl_xor_sync(kAllLanes, value, offset));
    return value;
}

/// Of the heads 2t and 2t + 1, over the tokens so far.
struct HeadSoftmax {
    float maximum[2] = {-INFINITY, -INFINITY};
    float sum[2] = {0, 0};  ///< of this lane's tokens

    /// scores: of the tokens first + g (then + 8), both heads each, not scaled yet. weights: of the
    /// tokens 2t and 2t + 1 (then + 8) of head g, as the product with the values takes them.
    /// shrink: what earlier weights are to be multiplied by.
    __device__ __forceinline__ void weigh(std::uint32_t (&weights)[2], float (&shrink)[2],
                                          const float (&scores)[4], const CachedHeads& h,
                                          std::int32_t first) {
        const bool low_valid = first + lane_group() < h.count;
        const bool high_valid = first + 8 + lane_group() < h.count;
        float low[2], high[2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            low[i] = low_valid ? scores[i] * h.scale : -INFINITY;
            high[i] = high_valid ? scores[2 + i] * h.scale : -INFINITY;
            const float before = maximum[i];
            maximum[i] = fmaxf(before, over_tokens(fmaxf(low[i], high[i]), Larger()));
            shrink[i] = rescale(before, maximum[i]);
            low[i] = exp2_approx(low[i] - maximum[i]);
            high[i] = exp2_approx(high[i] - maximum[i]);
            sum[i] = fmaf(sum[i], shrink[i], low[i] + high[i]);
        }
        weights[0] = transpose_8x8(pack_bf16(low[0], low[1]));
        weights[1] = transpose_8x8(pack_bf16(high[0], high[1]));
    }
};

}  // namespace r1::cuda
