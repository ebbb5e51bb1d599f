// SPDX-License-Identifier: Apache-2.0
// The next token of each row, by one block and without the host. The weights exp(logit / T) are
// rounded down to multiples of 2^-shift of the largest, after which all sums are exact: the draw is
// then the inverse transform of kernels/sampling.h with the same number.
#include <bit>
#include <cmath>

#include "kernels/cuda/instructions.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/philox.cuh"
#include "kernels/cuda/token_cut.cuh"

namespace r1::cuda {
namespace {

struct Draw {
    float inverse;  ///< 1 / temperature
    float unit;     ///< 2^shift, the mass of the most likely token
    double top_p;
    std::int32_t top_k;  ///< 0: all
    bool greedy;
    std::uint32_t key0, key1;
};

template <int N>
__device__ std::int32_t most_likely(const float* line, std::int32_t vocab, float largest) {
    std::int32_t first = vocab;
    for_each_logit<N>(line, vocab, [&](std::int32_t j, const Lanes<N>& logits) {
        for (int l = 0; l < N; ++l) {
            if (logits.v[l] == largest && j + l < first) first = j + l;
        }
    });
    return block_reduce(first, Smaller{});
}

template <int N, class MassOf>
__device__ Mass whole_mass(const float* line, std::int32_t vocab, MassOf mass) {
    Mass sum = 0;
    for_each_logit<N>(line, vocab, [&](std::int32_t j, const Lanes<N>& logits) {
        for (int l = 0; l < N; ++l) sum += mass(j + l, logits.v[l]);
    });
    return block_reduce(sum, Add{});
}

/// The mass that u = bits / 2^32 of the whole reaches into: the least above u · total.
__device__ Mass drawn_mass(Mass total, std::uint32_t bits) {
    return (total >> 32) * bits + ((total & 0xFFFFFFFFULL) * bits >> 32) + 1;
}

/// What top_k and then top_p leave.
template <int N, class MassOf>
__device__ Cut allowed(const float* line, std::int32_t vocab, const Draw& rule, MassOf mass) {
    Cut cut{0, vocab};
    if (rule.top_k > 0 && rule.top_k < vocab) {
        const auto one = [](std::int32_t, float) { return Mass{1}; };
        cut = shortest_reaching<N>(line, vocab, one, static_cast<Mass>(rule.top_k));
    }
    if (rule.top_p >= 1) return cut;
    const auto kept = [&](std::int32_t j, float logit) {
        return cut.keeps(j, logit) ? mass(logit) : Mass{0};
    };
    const Mass total = whole_mass<N>(line, vocab, kept);
    // At least one token stays, whatever top_p is.
    const double wanted = ceil(rule.top_p * static_cast<double>(total));
    Mass target = wanted < 1 ? 1 : static_cast<Mass>(wanted);
    if (target > total) target = total;
    return shortest_reaching<N>(line, vocab, kept, target);
}

template <int N>
__global__ void __launch_bounds__(kSoftmaxThreads)
    sample_kernel(std::int32_t* tokens, float* logprob, const float* logits, std::int32_t vocab,
                  Draw rule, const std::uint32_t* counters) {
    wait_for_earlier_kernels();
    const std::int64_t i = blockIdx.x;
    const float* line = logits + i * vocab;
    const SoftmaxRow row = softmax_row<N, false>(line, vocab, rule.inverse);
    std::int32_t token = -1;
    if (fabsf(row.log_sum) < INFINITY) {
        if (rule.greedy) {
            token = most_likely<N>(line, vocab, row.largest);
        } else {
            const auto mass = [&](float logit) {
                return static_cast<Mass>(expf(row.scaled(logit)) * rule.unit);
            };
            const Cut cut = allowed<N>(line, vocab, rule, mass);
            const auto kept = [&](std::int32_t j, float logit) {
                return cut.keeps(j, logit) ? mass(logit) : Mass{0};
            };
            const std::uint32_t* c = counters + 4 * i;
            const PhiloxWords drawn = philox4x32({{c[0], c[1], c[2], c[3]}}, rule.key0, rule.key1);
            token = first_token_reaching(
                line, vocab, kept, [&](Mass total) { return drawn_mass(total, drawn.word[0]); });
        }
    }
    if (threadIdx.x != 0) return;
    tokens[i] = token;
    logprob[i] = token < 0 ? NAN : row.log_probability(line[token]);
}

}  // namespace

void sample(std::int32_t* tokens, float* logprob, const float* logits, std::int32_t m,
            std::int32_t vocab, const SamplingRule& rule, const SamplingNumbers& numbers,
            cudaStream_t stream) {
    if (m == 0) return;
    const int bits = std::bit_width(static_cast<std::uint32_t>(vocab));
    const Draw draw{inverse_temperature(rule.temperature),
                    static_cast<float>(std::ldexp(1.0, 62 - bits)),
                    rule.top_p,
                    rule.top_k,
                    rule.temperature == 0,
                    numbers.key[0],
                    numbers.key[1]};
    const bool packed = logits_are_packed(vocab, logits, nullptr);
    const auto kernel = packed ? sample_kernel<kLogits> : sample_kernel<1>;
    launch_ahead(kernel, dim3(static_cast<unsigned>(m)), dim3(kSoftmaxThreads), 0, stream, tokens,
                 logprob, logits, vocab, draw,
                 reinterpret_cast<const std::uint32_t*>(numbers.counters));
}

}  // namespace r1::cuda
