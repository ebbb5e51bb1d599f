// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/grpo_loss.h"

#include <algorithm>
#include <cmath>

namespace r1 {

namespace {

constexpr double kLogRatioLimit = 20;  // exp(20) is 5e8: beyond it only overflow is left to see

}  // namespace

TokenTerm policy_term(double logprob, double old_logprob, double advantage, const ClipRange& clip) {
    const double log_ratio = std::clamp(logprob - old_logprob, -kLogRatioLimit, kLogRatioLimit);
    const double ratio = std::exp(log_ratio);
    const double bounded = std::clamp(ratio, 1 - clip.low, 1 + clip.high);
    TokenTerm term{-ratio * advantage, -ratio * advantage, false};
    if (bounded * advantage < ratio * advantage) term = {-bounded * advantage, 0, true};
    if (clip.dual > 0 && advantage < 0 && term.value > -clip.dual * advantage)
        term = {-clip.dual * advantage, 0, true};
    return term;
}

TokenTerm kl_term(double logprob, double reference_logprob, KlEstimator estimator) {
    const double difference =
        std::clamp(logprob - reference_logprob, -kLogRatioLimit, kLogRatioLimit);
    switch (estimator) {
        case KlEstimator::kK1:
            return {difference, difference, false};
        case KlEstimator::kK2:
            return {0.5 * difference * difference, difference, false};
        case KlEstimator::kK3:
            break;
    }
    const double inverse_ratio = std::exp(-difference);
    return {inverse_ratio + difference - 1, 1 - inverse_ratio, false};
}

void GrpoLoss::evaluate(std::size_t first, std::span<const double> logprob,
                        std::span<const double> entropy, std::span<double> gradient) {
    for (std::size_t i = 0; i < logprob.size(); ++i) {
        const GrpoToken& token = tokens_[first + i];
        gradient[i] = 0;
        if (token.weight == 0) continue;
        const TokenTerm policy = policy_term(logprob[i], token.old_logprob, token.advantage, clip_);
        gradient[i] = token.weight * policy.gradient;
        sums_.policy_loss += token.weight * policy.value;
        if (kl_coefficient_ > 0) {
            const TokenTerm kl = kl_term(logprob[i], token.reference_logprob, estimator_);
            gradient[i] += token.weight * kl_coefficient_ * kl.gradient;
            sums_.kl_loss += token.weight * kl.value;
        }
        const double difference = std::abs(std::exp(logprob[i]) - std::exp(token.old_logprob));
        sums_.tokens += 1;
        sums_.clipped += policy.clipped ? 1 : 0;
        sums_.entropy += entropy[i];
        sums_.old_minus_new += token.old_logprob - logprob[i];
        sums_.probability_difference += difference;
        sums_.max_probability_difference = std::max(sums_.max_probability_difference, difference);
    }
}

GrpoSums& GrpoSums::operator+=(const GrpoSums& other) {
    tokens += other.tokens;
    policy_loss += other.policy_loss;
    kl_loss += other.kl_loss;
    clipped += other.clipped;
    entropy += other.entropy;
    old_minus_new += other.old_minus_new;
    probability_difference += other.probability_difference;
    max_probability_difference =
        std::max(max_probability_difference, other.max_probability_difference);
    return *this;
}

double token_weight(Aggregation aggregation, double length, double tokens, double sequences,
                    double max_new_tokens) {
    switch (aggregation) {
        case Aggregation::kTokenMean:
            return 1 / tokens;
        case Aggregation::kSeqMeanTokenSum:
            return 1 / sequences;
        case Aggregation::kSeqMeanTokenMean:
            return 1 / (sequences * length);
        case Aggregation::kSeqMeanTokenSumNorm:
            break;
    }
    return 1 / (sequences * max_new_tokens);
}

}  // namespace r1
