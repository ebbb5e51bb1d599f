// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/attention_batch.cuh"
#include "kernels/cuda/attention_dot.cuh"
#include "kernels/cuda/attention_gradient.cuh"
#include "kernels/cuda/ops.h"

namespace r1::cuda {

template <>
void attention_backward(Bf16* dqkv, float* dot, const Bf16* dout, const Bf16* out, const float* lse,
                        const Bf16* qkv, const PackedSequences& sequences, const HeadShape& shape,
                        Scratch& scratch, cudaStream_t stream) {
    if (sequences.rows == 0) return;
    check_head_dim(shape.head_dim);
    attention_dot(dot, dout, out, sequences.rows, shape, stream);
    const AttentionGradient inputs{dout, lse, dot, qkv};
    query_gradient(dqkv, inputs, sequences, shape, stream);
    key_value_gradient(dqkv, inputs, sequences, shape, scratch, stream);
}

}  // namespace r1::cuda
