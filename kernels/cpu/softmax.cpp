// SPDX-License-Identifier: Apache-2.0
// Log-probabilities and sampling. Both go through softmax_row, so that the log-probability recorded
// with a sample has the bits that training computes.
#include <omp.h>

#include <cmath>

#include "kernels/cpu/ops.h"
#include "kernels/cpu/transcendental.h"
#include "kernels/sampling.h"

namespace r1::cpu {
inline namespace R1_ISA {
namespace {

struct SoftmaxRow {
    float largest;  ///< of the logits
    float inverse;  ///< 1 / temperature; temperature 0 counts as 1
    float log_sum;  ///< log Σ exp(scaled)
    float sum;
    float scaled(float logit) const { return (logit - largest) * inverse; }
    float log_probability(float logit) const { return scaled(logit) - log_sum; }
    Vec scaled(Vec logits) const { return (logits - largest) * inverse; }
};

float largest_logit(const float* logits, std::int64_t vocab) {
    Vec most = fill(logits[0]);
    std::int64_t j = 0;
    for (; j + kLanes <= vocab; j += kLanes) most = at_least(load(logits + j), most);
    float result = largest(most);
    for (; j < vocab; ++j) result = logits[j] > result ? logits[j] : result;
    return result;
}

/// The sums over the row. With weights, also writes exp(scaled) of every token there.
SoftmaxRow softmax_row(const float* logits, std::int64_t vocab, double temperature,
                       float* weights = nullptr) {
    constexpr std::int64_t kBlock = 1024;  // summed in float; the blocks in double
    SoftmaxRow row{largest_logit(logits, vocab),
                   static_cast<float>(temperature == 0 ? 1 : 1 / temperature), 0, 0};
    double total = 0;
    for (std::int64_t first = 0; first < vocab; first += kBlock) {
        const std::int64_t size = vocab - first < kBlock ? vocab - first : kBlock;
        Vec block{};
        for_lanes(size, [&](std::int64_t j, auto lanes) {
            const Vec p = exponential(row.scaled(load(logits + first + j, lanes)));
            if (weights != nullptr) store(weights + first + j, p, lanes);
            block += keep(p, lanes);
        });
        total += static_cast<double>(sum(block));
    }
    row.sum = static_cast<float>(total);
    row.log_sum = static_cast<float>(std::log(total));
    return row;
}

/// −Σ p log p = log Σ exp(z) − Σ p z for scaled logits z.
float entropy_of(const SoftmaxRow& row, const float* logits, std::int64_t vocab) {
    Vec products{};
    for_lanes(vocab, [&](std::int64_t j, auto lanes) {
        // Bounded, since 0 · log 0 is 0 for tokens masked with -infinity.
        const Vec z = at_least(row.scaled(load(logits + j, lanes)), fill(-200.0F));
        products = fma(keep(exponential(z), lanes), z, products);
    });
    return row.log_sum - sum(products) / row.sum;
}

}  // namespace

void logprob_forward(float* logprob, float* entropy, const float* logits,
                     const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                     double temperature, Workspace& workspace) {
    for_each_index(m, 8 * vocab, workspace, [&](std::int64_t i) {
        const float* line = logits + i * vocab;
        const SoftmaxRow row = softmax_row(line, vocab, temperature);
        logprob[i] = row.log_probability(line[targets[i]]);
        if (entropy != nullptr) entropy[i] = entropy_of(row, line, vocab);
    });
}

void logprob_backward(float* dlogits, const float* logits, const float* dlogprob,
                      const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                      double temperature, Workspace& workspace) {
    for_each_index(m, 16 * vocab, workspace, [&](std::int64_t i) {
        const float* line = logits + i * vocab;
        float* target = dlogits + i * vocab;
        const SoftmaxRow row = softmax_row(line, vocab, temperature);
        const float slope = dlogprob[i] * row.inverse;
        const Vec factor = fill(-slope / row.sum);
        for_lanes(vocab, [&](std::int64_t j, auto lanes) {
            store(target + j, factor * exponential(row.scaled(load(line + j, lanes))), lanes);
        });
        if (targets[i] >= 0) target[targets[i]] += slope;
    });
}

void sample(std::int32_t* tokens, float* logprob, const float* logits, std::int32_t m,
            std::int32_t vocab, const SamplingRule& rule, const SamplingNumbers& numbers,
            Workspace& workspace) {
    const bool greedy = rule.temperature == 0;
    float* all_weights =
        workspace.scratch.floats(static_cast<std::size_t>(std::int64_t{workspace.threads} * vocab));
    for_each_index(m, 16 * vocab, workspace, [&](std::int64_t i) {
        const float* line = logits + i * vocab;
        float* weights = all_weights + std::int64_t{omp_get_thread_num()} * vocab;
        const SoftmaxRow row = softmax_row(line, vocab, rule.temperature, weights);
        tokens[i] = -1;
        if (!std::isfinite(row.log_sum)) return;
        const double u = greedy ? 0 : to_unit(philox4x32(numbers.counters[i], numbers.key)[0]);
        tokens[i] = greedy ? most_likely(line, vocab) : draw_token(line, weights, vocab, rule, u);
        if (tokens[i] < 0) return;
        logprob[i] = row.log_probability(line[tokens[i]]);
    });
}

}  // namespace R1_ISA
}  // namespace r1::cpu
