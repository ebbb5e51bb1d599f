// SPDX-License-Identifier: Apache-2.0
#include "kernels/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "common/error.h"

namespace r1 {
namespace {

/// Sets the weight of every token that the rule does not allow to 0.
template <class T>
void keep_allowed(const T* logits, T* weights, std::int32_t vocab, const SamplingRule& rule) {
    const bool cut_k = rule.top_k > 0 && rule.top_k < vocab;
    if (!cut_k && rule.top_p >= 1) return;
    std::vector<std::int32_t> order(static_cast<std::size_t>(vocab));
    std::iota(order.begin(), order.end(), 0);
    // Ranked by logits, since two logits may round to one weight.
    const auto before = [&](std::int32_t a, std::int32_t b) {
        return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
    };
    const auto kept = cut_k ? order.begin() + rule.top_k : order.end();
    std::partial_sort(order.begin(), kept, order.end(), before);
    auto end = kept;
    if (rule.top_p < 1) {
        double total = 0;
        for (auto it = order.begin(); it != kept; ++it) total += static_cast<double>(weights[*it]);
        double mass = 0;
        end = order.begin();
        // At least one token stays, whatever top_p is.
        do mass += static_cast<double>(weights[*end++]);
        while (end != kept && mass < rule.top_p * total);
    }
    for (; end != order.end(); ++end) weights[*end] = 0;
}

}  // namespace

template <class T>
std::int32_t most_likely(const T* logits, std::int32_t vocab) {
    return static_cast<std::int32_t>(std::max_element(logits, logits + vocab) - logits);
}

template <class T>
std::int32_t draw_token(const T* logits, T* weights, std::int32_t vocab, const SamplingRule& rule,
                        double u) {
    // Checked before ranking: NaN has no order.
    double total = 0;
    for (std::int32_t j = 0; j < vocab; ++j) total += static_cast<double>(weights[j]);
    if (!std::isfinite(total) || total <= 0) return -1;
    keep_allowed(logits, weights, vocab, rule);
    total = 0;
    for (std::int32_t j = 0; j < vocab; ++j) total += static_cast<double>(weights[j]);
    double mass = 0;
    std::int32_t last = -1;
    for (std::int32_t j = 0; j < vocab; ++j) {
        if (weights[j] <= 0) continue;
        last = j;
        mass += static_cast<double>(weights[j]);
        if (u * total < mass) return j;
    }
    return last;  // u * total rounded up to the whole mass
}

void throw_logits_not_finite(std::int32_t row) {
    throw Error(ExitCode::kRunFailed,
                "cannot sample: the logits of row " + std::to_string(row) +
                    " are not finite; the model has diverged, so lower the learning rate or "
                    "resume from an earlier checkpoint");
}

template std::int32_t most_likely(const float*, std::int32_t);
template std::int32_t most_likely(const double*, std::int32_t);
template std::int32_t draw_token(const float*, float*, std::int32_t, const SamplingRule&, double);
template std::int32_t draw_token(const double*, double*, std::int32_t, const SamplingRule&, double);

}  // namespace r1
