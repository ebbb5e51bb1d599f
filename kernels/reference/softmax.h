// SPDX-License-Identifier: Apache-2.0
// Log-probabilities of tokens under softmax(logits / temperature), and drawing from it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/backend.h"
#include "kernels/sampling.h"

namespace r1::reference {

template <class T>
struct SoftmaxRow {
    T largest;  ///< of the logits
    T log_sum;  ///< log Σ exp((logit - largest) / temperature)
    T inverse;  ///< 1 / temperature; temperature 0 counts as 1
    T log_probability(T logit) const { return (logit - largest) * inverse - log_sum; }
};

template <class T>
SoftmaxRow<T> softmax_row(const T* logits, std::int32_t vocab, double temperature) {
    SoftmaxRow<T> row{*std::max_element(logits, logits + vocab), 0,
                      static_cast<T>(temperature == 0 ? 1 : 1 / temperature)};
    T sum = 0;
    for (std::int32_t j = 0; j < vocab; ++j) sum += std::exp(row.log_probability(logits[j]));
    row.log_sum = std::log(sum);
    return row;
}

template <class T>
void logprob_forward(T* logprob, T* entropy, const T* logits, const std::int32_t* targets,
                     std::int32_t m, std::int32_t vocab, double temperature) {
    for (std::int64_t i = 0; i < m; ++i) {
        const T* line = logits + i * vocab;
        const SoftmaxRow<T> row = softmax_row(line, vocab, temperature);
        logprob[i] = row.log_probability(line[targets[i]]);
        if (entropy == nullptr) continue;
        entropy[i] = 0;
        for (std::int32_t j = 0; j < vocab; ++j) {
            const T log_p = row.log_probability(line[j]);
            // 0 · log 0 is 0: masked tokens have -infinity here.
            if (std::exp(log_p) > 0) entropy[i] -= std::exp(log_p) * log_p;
        }
    }
}

// d logprob / d logit[j] = (1[j = target] − p[j]) / temperature.
template <class T>
void logprob_backward(T* dlogits, const Wide<T>* logits, const Wide<T>* dlogprob,
                      const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                      double temperature) {
    using W = Wide<T>;
    for (std::int64_t i = 0; i < m; ++i) {
        const W* line = logits + i * vocab;
        const SoftmaxRow<W> row = softmax_row(line, vocab, temperature);
        for (std::int32_t j = 0; j < vocab; ++j) {
            const W hit = j == targets[i] ? W{1} : W{0};
            const W p = std::exp(row.log_probability(line[j]));
            dlogits[i * vocab + j] = static_cast<T>(dlogprob[i] * row.inverse * (hit - p));
        }
    }
}

template <class T>
void sample(std::int32_t* tokens, T* logprob, const T* logits, std::int32_t m, std::int32_t vocab,
            const SamplingRule& rule, const SamplingNumbers& numbers) {
    const bool greedy = rule.temperature == 0;
    std::vector<T> weights(static_cast<std::size_t>(vocab));
    for (std::int32_t i = 0; i < m; ++i) {
        const T* line = logits + static_cast<std::int64_t>(i) * vocab;
        const SoftmaxRow<T> row = softmax_row(line, vocab, rule.temperature);
        tokens[i] = -1;
        if (!std::isfinite(row.log_sum)) continue;
        for (std::size_t j = 0; j < weights.size(); ++j) {
            weights[j] = std::exp(row.log_probability(line[j]));
        }
        const double u = greedy ? 0 : to_unit(philox4x32(numbers.counters[i], numbers.key)[0]);
        tokens[i] =
            greedy ? most_likely(line, vocab) : draw_token(line, weights.data(), vocab, rule, u);
        if (tokens[i] >= 0) logprob[i] = row.log_probability(line[tokens[i]]);
    }
}

}  // namespace r1::reference
