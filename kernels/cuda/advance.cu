// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/instructions.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"

namespace r1::cuda {
namespace {

constexpr std::int32_t kThreads = 256;

/// One block, since the turn may change only when every row has read it. counters[4 * i] is the
/// first word of row i's.
__global__ void advance_kernel(std::int32_t* tokens, std::int32_t* positions,
                               std::uint32_t* counters, std::int32_t* turn,
                               std::int32_t* log_tokens, float* log_logprobs,
                               const std::int32_t* drawn, const float* logprob, std::int32_t m) {
    wait_for_earlier_kernels();
    const std::int32_t now = *turn;
    for (std::int32_t i = static_cast<std::int32_t>(threadIdx.x); i < m; i += kThreads) {
        const std::int64_t at = std::int64_t{now} * m + i;
        log_tokens[at] = drawn[i];
        log_logprobs[at] = logprob[i];
        tokens[i] = drawn[i];
        positions[i] += 1;
        counters[4 * std::int64_t{i}] += 1;
    }
    __syncthreads();
    if (threadIdx.x == 0) *turn = now + 1;
}

}  // namespace

void advance(const DecodeState& state, std::int32_t* log_tokens, float* log_logprobs,
             const std::int32_t* drawn, const float* logprob, std::int32_t m, cudaStream_t stream) {
    launch_ahead(advance_kernel, dim3(1), dim3(kThreads), 0, stream, state.tokens, state.positions,
                 reinterpret_cast<std::uint32_t*>(state.counters), state.turn, log_tokens,
                 log_logprobs, drawn, logprob, m);
}

}  // namespace r1::cuda
