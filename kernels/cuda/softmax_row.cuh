// SPDX-License-Identifier: Apache-2.0
// softmax(logits / temperature) of one row by one block. Log-probabilities and sampling both come
// here and round each operation by name, so that they give the same bits.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {

inline constexpr int kSoftmaxThreads = 512;
inline constexpr int kLogits = 4;  ///< that a thread takes at a time where alignment allows

struct SoftmaxRow {
    float largest;  ///< of the logits
    float inverse;  ///< 1 / temperature; temperature 0 counts as 1
    float log_sum;  ///< log Σ exp(scaled); not finite when the logits are not
    float entropy;  ///< −Σ p log p; 0 unless it was asked for
    __device__ float scaled(float logit) const { return (logit - largest) * inverse; }
    __device__ float log_probability(float logit) const {
        return __fsub_rn(__fmul_rn(__fsub_rn(logit, largest), inverse), log_sum);
    }
};

/// Calls visit(j, values) for the thread's part of the row: N logits from j.
template <int N, class Visit>
__device__ __forceinline__ void for_each_logit(const float* line, std::int32_t vocab, Visit visit) {
    const std::int32_t stride = static_cast<std::int32_t>(blockDim.x) * N;
#pragma unroll 2
    for (std::int32_t j = static_cast<std::int32_t>(threadIdx.x) * N; j < vocab; j += stride) {
        visit(j, load<N>(line + j));
    }
}

/// Σ exp(scaled) and Σ exp(scaled) · scaled over some logits, relative to the largest of them.
template <bool kEntropy>
struct PartialSums {
    float largest = -INFINITY;
    float sum = 0;
    float products = 0;

    /// Makes the sums relative to a larger logit. -200 is where exp is 0, and keeps 0 · ∞ away.
    __device__ void raise(float to, float inverse) {
        const float shift = fmaxf(__fmul_rn(__fsub_rn(largest, to), inverse), -200.0F);
        const float factor = largest == to ? 1.0F : expf(shift);
        if (kEntropy) products = __fmul_rn(factor, fmaf(shift, sum, products));
        sum = __fmul_rn(factor, sum);
        largest = to;
    }
    __device__ void add(float logit, float inverse) {
        // Where all logits so far are -∞ the difference to them would be NaN.
        const float base = largest == -INFINITY ? 0.0F : largest;
        const float z = __fmul_rn(__fsub_rn(logit, base), inverse);
        const float weight = expf(z);
        sum = __fadd_rn(sum, weight);
        if (kEntropy) products = fmaf(weight, fmaxf(z, -200.0F), products);
    }
};

/// Every thread gets the result. The block has kSoftmaxThreads threads.
template <int N, bool kEntropy>
__device__ SoftmaxRow softmax_row(const float* line, std::int32_t vocab, float inverse) {
    PartialSums<kEntropy> own;
    for_each_logit<N>(line, vocab, [&](std::int32_t, const Lanes<N>& logits) {
        float largest = own.largest;
#pragma unroll
        for (int l = 0; l < N; ++l) largest = fmaxf(largest, logits.v[l]);
        if (largest > own.largest) own.raise(largest, inverse);
#pragma unroll
        for (int l = 0; l < N; ++l) own.add(logits.v[l], inverse);
    });
    SoftmaxRow row{block_reduce(own.largest, Larger{}), inverse, 0, 0};
    if (own.largest != row.largest) own.raise(row.largest, inverse);
    const double total = block_reduce(static_cast<double>(own.sum), Add{});
    row.log_sum = static_cast<float>(log(total));
    if (kEntropy) {
        const double products = block_reduce(static_cast<double>(own.products), Add{});
        row.entropy = static_cast<float>(log(total) - products / total);
    }
    return row;
}

/// Whether the rows of a [m, vocab] matrix can be taken kLogits at a time.
inline bool logits_are_packed(std::int32_t vocab, const void* logits, const void* other) {
    const auto bits =
        reinterpret_cast<std::uintptr_t>(logits) | reinterpret_cast<std::uintptr_t>(other);
    return vocab % kLogits == 0 && bits % 16 == 0;
}

inline float inverse_temperature(double temperature) {
    return static_cast<float>(temperature == 0 ? 1 : 1 / temperature);
}

}  // namespace r1::cuda
