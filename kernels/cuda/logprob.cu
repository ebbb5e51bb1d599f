// SPDX-License-Identifier: Apache-2.0
// Log-probabilities of tokens, entropies, and their gradient. One block a row.
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/softmax_row.cuh"

namespace r1::cuda {
namespace {

template <int N, bool kEntropy>
__global__ void __launch_bounds__(kSoftmaxThreads)
    logprob_forward_kernel(float* __restrict__ logprob, float* __restrict__ entropy,
                           const float* __restrict__ logits,
                           const std::int32_t* __restrict__ targets, std::int32_t vocab,
                           float inverse) {
    const std::int64_t i = blockIdx.x;
    const float* line = logits + i * vocab;
    const SoftmaxRow row = softmax_row<N, kEntropy>(line, vocab, inverse);
    if (threadIdx.x != 0) return;
    logprob[i] = row.log_probability(line[targets[i]]);
    if (kEntropy) entropy[i] = row.entropy;
}

// d logprob / d logit[j] = (1[j = target] − p[j]) / temperature. Each logit is read by the thread
// that writes its gradient, which may be the same memory.
template <class T, int N>
__global__ void __launch_bounds__(kSoftmaxThreads)
    logprob_backward_kernel(T* dlogits, const float* logits, const float* __restrict__ dlogprob,
                            const std::int32_t* __restrict__ targets, std::int32_t vocab,
                            float inverse) {
    const std::int64_t i = blockIdx.x;
    const float* line = logits + i * vocab;
    const SoftmaxRow row = softmax_row<N, false>(line, vocab, inverse);
    const float slope = dlogprob[i] * inverse;
    const std::int32_t target = targets[i];
    // Ordered after the other threads' reads of the sums by the barriers of softmax_row.
    for_each_logit<N>(line, vocab, [&](std::int32_t j, Lanes<N> values) {
#pragma unroll
        for (int l = 0; l < N; ++l) {
            const float p = expf(row.log_probability(values.v[l]));
            values.v[l] = slope * ((j + l == target ? 1.0F : 0.0F) - p);
        }
        store<N>(dlogits + i * vocab + j, values);
    });
}

}  // namespace

void logprob_forward(float* logprob, float* entropy, const float* logits,
                     const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                     double temperature, cudaStream_t stream) {
    if (m == 0) return;
    const bool packed = logits_are_packed(vocab, logits, nullptr);
    const auto plain =
        packed ? logprob_forward_kernel<kLogits, false> : logprob_forward_kernel<1, false>;
    const auto both =
        packed ? logprob_forward_kernel<kLogits, true> : logprob_forward_kernel<1, true>;
    launch(entropy == nullptr ? plain : both, dim3(static_cast<unsigned>(m)), dim3(kSoftmaxThreads),
           0, stream, logprob, entropy, logits, targets, vocab, inverse_temperature(temperature));
}

template <class T>
void logprob_backward(T* dlogits, const float* logits, const float* dlogprob,
                      const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                      double temperature, cudaStream_t stream) {
    if (m == 0) return;
    const bool packed = logits_are_packed(vocab, logits, dlogits);
    const auto kernel =
        packed ? logprob_backward_kernel<T, kLogits> : logprob_backward_kernel<T, 1>;
    launch(kernel, dim3(static_cast<unsigned>(m)), dim3(kSoftmaxThreads), 0, stream, dlogits,
           logits, dlogprob, targets, vocab, inverse_temperature(temperature));
}

template void logprob_backward(Bf16*, const float*, const float*, const std::int32_t*, std::int32_t,
                               std::int32_t, double, cudaStream_t);
template void logprob_backward(float*, const float*, const float*, const std::int32_t*,
                               std::int32_t, std::int32_t, double, cudaStream_t);

}  // namespace r1::cuda
