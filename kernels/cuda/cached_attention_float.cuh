// SPDX-License-Identifier: Apache-2.0
// One warp's part of attention over a cache of floats, which tensor cores do not have.
#pragma once

#include "kernels/cuda/cached_attention.cuh"

namespace r1::cuda {

/// Lanes are tokens while scores are made, and columns (lane, lane + 32, …) while values are added.
/// kDim is head_dim rounded up to a multiple of 64.
template <int kDim_>
class PlainAttention {
  public:
    using Value = float;
    static constexpr int kHeads = 8, kDim = kDim_;
    static constexpr int kColumns = kDim / 32;
    static constexpr int kBlocks = kDim <= 128 ? 3 : 2;

    __device__ __forceinline__ void start(const float* queries, const CachedHeads&) {
        lane_ = static_cast<int>(threadIdx.x) % 32;
        queries_ = queries;
    }

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int head = 0; head < kHeads; ++head) {
            maximum_[head] = -INFINITY;
            sum_[head] = 0;
#pragma unroll
            for (int i = 0; i < kColumns; ++i) values_[head][i] = 0;
        }
    }

    /// Adds the positions first … first + 31, as far as they are before the end; the first is.
    __device__ __forceinline__ void add(const CacheView<float>& view, const CachedHeads& h,
                                        std::int32_t first) {
        const std::int64_t mine = view.at(h, first + lane_);
        const bool valid = first + lane_ < h.count;
        float weights[kHeads];
#pragma unroll
        for (int head = 0; head < kHeads; ++head) {
            const float score = valid && head < h.heads
                                    ? dot(queries_ + std::int64_t{head} * h.head_dim,
                                          view.cache.keys + mine, h.head_dim) *
                                          h.scale
                                    : -INFINITY;
            weights[head] = head < h.heads ? weigh(head, score) : 0.0f;
        }
        const std::int32_t tokens = h.count - first < kWarpTokens ? h.count - first : kWarpTokens;
        for (std::int32_t t = 0; t < tokens; ++t) add_values(view, h, weights, t, mine);
    }

    __device__ __forceinline__ void leave(WarpPart<kHeads, kDim>& part) const {
#pragma unroll
        for (int head = 0; head < kHeads; ++head) {
            if (lane_ == 0) {
                part.maximum[head] = maximum_[head];
                part.sum[head] = sum_[head];
            }
#pragma unroll
            for (int i = 0; i < kColumns; ++i) part.values[head][lane_ + 32 * i] = values_[head][i];
        }
    }

  private:
    static __device__ __forceinline__ float dot(const float* a, const float* b, std::int32_t dim) {
        float sum = 0;
        for (std::int32_t d = 0; d < dim; d += 4) {
            const float4 x = *reinterpret_cast<const float4*>(a + d);
            const float4 y = *reinterpret_cast<const float4*>(b + d);
            sum = fmaf(x.w, y.w, fmaf(x.z, y.z, fmaf(x.y, y.y, fmaf(x.x, y.x, sum))));
        }
        return sum;
    }

    /// 2^(score - maximum), with this head's maximum, sum and values brought up to date.
    __device__ __forceinline__ float weigh(int head, float score) {
        float largest = score;
#pragma unroll
        for (int offset = 16; offset > 0; offset /= 2)
            largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFF, largest, offset));
        largest = fmaxf(largest, maximum_[head]);
        const float shrink = rescale(maximum_[head], largest);
        maximum_[head] = largest;
        const float weight = exp2f(score - largest);
        float sum = weight;
#pragma unroll
        for (int offset = 16; offset > 0; offset /= 2)
            sum += __shfl_xor_sync(0xFFFFFFFF, sum, offset);
        sum_[head] = fmaf(sum_[head], shrink, sum);
#pragma unroll
        for (int i = 0; i < kColumns; ++i) values_[head][i] *= shrink;
        return weight;
    }

    __device__ __forceinline__ void add_values(const CacheView<float>& view, const CachedHeads& h,
                                               const float (&weights)[kHeads], int token,
                                               std::int64_t mine) {
        const float* from = view.cache.values + __shfl_sync(0xFFFFFFFF, mine, token);
        float value[kColumns];
#pragma unroll
        for (int i = 0; i < kColumns; ++i) {
            const int column = lane_ + 32 * i;
            value[i] = column < h.head_dim ? from[column] : 0.0f;
        }
#pragma unroll
        for (int head = 0; head < kHeads; ++head) {
            if (head >= h.heads) break;
            const float weight = __shfl_sync(0xFFFFFFFF, weights[head], token);
#pragma unroll
            for (int i = 0; i < kColumns; ++i)
                values_[head][i] = fmaf(weight, value[i], values_[head][i]);
        }
    }

    int lane_;
    const float* queries_;
    float maximum_[kHeads];
    float sum_[kHeads];
    float values_[kHeads][kColumns];
};

}  // namespace r1::cuda
