// SPDX-License-Identifier: Apache-2.0
// Which tokens top_k and top_p leave, found by all threads of a block.
#pragma once

#include "kernels/cuda/token_mass.cuh"

namespace r1::cuda {

/// Larger logits have larger keys; 0 and -0 have the same.
__device__ __forceinline__ unsigned rank_key(float logit) {
    const unsigned bits = __float_as_uint(__fadd_rn(logit, 0.0F));
    return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}

/// The tokens that are allowed: those ranked up to this one, ties by the lower id.
struct Cut {
    unsigned key;
    std::int32_t id;
    __device__ bool keeps(std::int32_t j, float logit) const {
        const unsigned own = rank_key(logit);
        return own > key || (own == key && j <= id);
    }
};

inline constexpr int kDigits = 3;  ///< of two bits, that are not 0

/// Each sum becomes that over all threads of the block.
__device__ inline void add_over_block(Mass (&sums)[kDigits]) {
    __shared__ Mass own[kDigits][kSoftmaxThreads];
    __shared__ Mass totals[kDigits];
    const int thread = static_cast<int>(threadIdx.x);
    const int lane = thread % kWarp, warp = thread / kWarp;
    __syncthreads();
    for (int i = 0; i < kDigits; ++i) own[i][thread] = sums[i];
    __syncthreads();
    if (warp < kDigits) {
        Mass sum = 0;
        for (int i = lane; i < kSoftmaxThreads; i += kWarp) sum += own[warp][i];
        sum = warp_reduce(sum, Add{});
        if (lane == 0) totals[warp] = sum;
    }
    __syncthreads();
    for (int i = 0; i < kDigits; ++i) sums[i] = totals[i];
}

/// The shortest prefix of the ranked tokens whose sum of mass(id, logit) reaches the target: at
/// least 1, and at most the whole sum. The key of its last token is found two bits at a time.
template <int N, class MassOf>
__device__ Cut shortest_reaching(const float* line, std::int32_t vocab, MassOf mass, Mass target) {
    Cut cut{0, vocab};
    for (int shift = 30; shift >= 0; shift -= 2) {
        Mass sums[kDigits] = {};  // of the keys from cut.key + (digit << shift), digits 1 to 3
        for_each_logit<N>(line, vocab, [&](std::int32_t j, const Lanes<N>& logits) {
            for (int l = 0; l < N; ++l) {
                const unsigned key = rank_key(logits.v[l]);
                const Mass own = mass(j + l, logits.v[l]);
                for (unsigned i = 0; i < kDigits; ++i) {
                    if (key >= cut.key + ((i + 1) << shift)) sums[i] += own;
                }
            }
        });
        add_over_block(sums);
        unsigned digit = 0;
        for (unsigned i = 0; i < kDigits; ++i) {
            if (sums[i] >= target) digit = i + 1;
        }
        cut.key += digit << shift;
    }
    Mass above = 0;
    for_each_logit<N>(line, vocab, [&](std::int32_t j, const Lanes<N>& logits) {
        for (int l = 0; l < N; ++l) {
            if (rank_key(logits.v[l]) > cut.key) above += mass(j + l, logits.v[l]);
        }
    });
    above = block_reduce(above, Add{});
    const auto of_ties = [&](std::int32_t j, float logit) {
        return rank_key(logit) == cut.key ? mass(j, logit) : Mass{0};
    };
    cut.id = first_token_reaching(line, vocab, of_ties, [&](Mass) { return target - above; });
    return cut;
}

}  // namespace r1::cuda
