// SPDX-License-Identifier: Apache-2.0
// The kernels of attention_backward for Bf16, one file each. Every sum is made by one warp in a
// fixed order; probabilities are computed anew from the scores and lse.
#pragma once

#include <cuda_runtime.h>

#include "kernels/backend.h"
#include "kernels/cuda/attention_batch.cuh"
#include "kernels/cuda/scratch.h"

namespace r1::cuda {

/// The inputs of attention_backward; `dot` is already filled.
struct AttentionGradient {
    const Bf16* dout;
    const float* lse;
    const float* dot;
    const Bf16* qkv;
};

/// Writes the q part of dqkv.
void query_gradient(Bf16* dqkv, const AttentionGradient& inputs, const PackedSequences& sequences,
                    const HeadShape& shape, cudaStream_t stream);
/// Writes the k and v parts of dqkv. The heads that share a key are split over blocks where there
/// would be few blocks; their partial sums take 4 · 2 · kv_width bytes a row and part of the
/// scratch.
void key_value_gradient(Bf16* dqkv, const AttentionGradient& inputs,
                        const PackedSequences& sequences, const HeadShape& shape, Scratch& scratch,
                        cudaStream_t stream);

/// sum *= factor.
template <int kAtoms, int kGroups>
__device__ __forceinline__ void scale_sum(float (&sum)[kAtoms][kGroups][4], float factor) {
#pragma unroll
    for (int i = 0; i < kAtoms * kGroups * 4; ++i)
        sum[i / 4 / kGroups][i / 4 % kGroups][i % 4] *= factor;
}

}  // namespace r1::cuda
