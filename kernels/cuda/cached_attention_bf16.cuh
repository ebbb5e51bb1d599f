// SPDX-License-Identifier: Apache-2.0
// One warp's part of attention over a cache of Bf16, by tensor cores.
#pragma once

#include "kernels/cuda/cached_attention.cuh"
#include "kernels/cuda/cached_softmax.cuh"
#include "kernels/cuda/cached_tiles.cuh"

namespace r1::cuda {

/// Tokens are rows of the scores and heads their columns, 8 a tile; the weighted values are
/// transposed. kDim is head_dim rounded up to a multiple of 64. A lane holds, of the queries, the
/// columns 32j + 8t … + 7 of head g, and of the weighted values the columns 64j + 8g … + 7 of the
/// heads 2t and 2t + 1 (g and t: cached_tiles.cuh).
template <int kHeads_, int kDim_>
class TensorAttention {
  public:
    using Value = Bf16;
    static constexpr int kHeads = kHeads_, kDim = kDim_;
    static constexpr int kTiles = kHeads / 8;
    /// Blocks that a processor has registers for.
    static constexpr int kBlocks = kTiles * kDim <= 128 ? 3 : 2;
    /// Whether they are for values on their way while scores are made.
    static constexpr bool kValuesEarly = kDim <= 128;

    __device__ __forceinline__ void start(const Bf16* queries, const CachedHeads& h) {
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
            for (int j = 0; j < kDim / 32; ++j) {
                const int head = 8 * tile + lane_group(), column = 32 * j + 8 * lane_quad();
                queries_[tile][j] = load16(queries + std::int64_t{head} * h.head_dim + column,
                                           head < h.heads && column < h.head_dim);
            }
        }
    }

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) {
            softmax_[tile] = HeadSoftmax{};
#pragma unroll
            for (int c = 0; c < kDim / 16; ++c) {
#pragma unroll
                for (int i = 0; i < 4; ++i) weighted_[tile][c][i] = 0;
            }
        }
    }

    /// Adds the positions first … first + 31, as far as they are before the end; the first is.
    __device__ __forceinline__ void add(const CacheView<Bf16>& view, const CachedHeads& h,
                                        std::int32_t first) {
        const std::int64_t mine = view.at(h, first + warp_lane());
        KeyTile<kDim> keys;
        ValueTile<kDim> values;
        keys.load(view, h, first, 0, mine);
        if (kValuesEarly) values.load(view, h, first, 0, mine);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float scores[kTiles][4];
            multiply(scores, keys);
            if (half == 0) keys.load(view, h, first, 16, mine);
            std::uint32_t weights[kTiles][2];
#pragma unroll
            for (int tile = 0; tile < kTiles; ++tile) {
                float shrink[2];
                softmax_[tile].weigh(weights[tile], shrink, scores[tile], h, first + 16 * half);
#pragma unroll
                for (int c = 0; c < kDim / 16; ++c) {
#pragma unroll
                    for (int i = 0; i < 4; ++i) weighted_[tile][c][i] *= shrink[i % 2];
                }
            }
            if (!kValuesEarly) values.load(view, h, first, 16 * half, mine);
            multiply(weights, values);
            if (kValuesEarly && half == 0) values.load(view, h, first, 16, mine);
        }
    }

    __device__ __forceinline__ void leave(WarpPart<kHeads, kDim>& part) const {
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                const int head = 8 * tile + 2 * lane_quad() + i;
                const float sum = over_tokens(softmax_[tile].sum[i], Add());
                if (lane_group() == 0) {
                    part.maximum[head] = softmax_[tile].maximum[i];
                    part.sum[head] = sum;
                }
#pragma unroll
                for (int j = 0; j < kDim / 64; ++j) {
                    const auto* of = weighted_[tile] + 4 * j;
                    auto* to =
                        reinterpret_cast<float4*>(&part.values[head][64 * j + 8 * lane_group()]);
                    to[0] = make_float4(of[0][i], of[0][2 + i], of[1][i], of[1][2 + i]);
                    to[1] = make_float4(of[2][i], of[2][2 + i], of[3][i], of[3][2 + i]);
                }
            }
        }
    }

  private:
    /// Of the tokens g (then g + 8): the heads 2t and 2t + 1.
    __device__ __forceinline__ void multiply(float (&scores)[kTiles][4],
                                             const KeyTile<kDim>& keys) const {
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
            for (int i = 0; i < 4; ++i) scores[tile][i] = 0;
        }
#pragma unroll
        for (int j = 0; j < kDim / 32; ++j) {
            const uint4 &low = keys.of[0][j], &high = keys.of[1][j];
            const std::uint32_t a[4] = {low.x, high.x, low.y, high.y};
            const std::uint32_t b[4] = {low.z, high.z, low.w, high.w};
#pragma unroll
            for (int tile = 0; tile < kTiles; ++tile) {
                const uint4& query = queries_[tile][j];
                mma_m16n8k16(scores[tile], a, query.x, query.y);
                mma_m16n8k16(scores[tile], b, query.z, query.w);
            }
        }
    }

    __device__ __forceinline__ void multiply(const std::uint32_t (&weights)[kTiles][2],
                                             const ValueTile<kDim>& values) {
#pragma unroll
        for (int j = 0; j < kDim / 64; ++j) {
#pragma unroll
            for (int e = 0; e < 4; ++e) {
                std::uint32_t columns[4];
                values.take(columns, j, e);
#pragma unroll
                for (int tile = 0; tile < kTiles; ++tile)
                    mma_m16n8k16(weighted_[tile][4 * j + e], columns, weights[tile][0],
                                 weights[tile][1]);
            }
        }
    }

    uint4 queries_[kTiles][kDim / 32];
    HeadSoftmax softmax_[kTiles];
    float weighted_[kTiles][kDim / 16][4];
};

}  // namespace r1::cuda
