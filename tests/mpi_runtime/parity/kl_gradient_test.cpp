// SPDX-License-Identifier: Apache-2.0
// A policy of one token: the expectation over every action is exact, and shows which divergence an
// estimator descends.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "mpi_runtime/trainer/grpo_loss.h"

namespace r1 {
namespace {

using Values = std::vector<double>;

const Values kPolicyLogits{0.3, -1.2, 0.9, 0.0, -0.4};
const Values kReferenceLogits{-0.5, 0.2, 0.4, 0.8, -1.0};

Values log_softmax(const Values& logits) {
    double sum = 0;
    for (const double logit : logits) sum += std::exp(logit);
    Values result;
    for (const double logit : logits) result.push_back(logit - std::log(sum));
    return result;
}

/// KL(first ‖ second) of distributions given by their log-probabilities.
double divergence(const Values& first, const Values& second) {
    double sum = 0;
    for (std::size_t a = 0; a < first.size(); ++a)
        sum += std::exp(first[a]) * (first[a] - second[a]);
    return sum;
}

double expected_value(KlEstimator estimator) {
    const Values policy = log_softmax(kPolicyLogits);
    const Values reference = log_softmax(kReferenceLogits);
    double sum = 0;
    for (std::size_t a = 0; a < policy.size(); ++a)
        sum += std::exp(policy[a]) * kl_term(policy[a], reference[a], estimator).value;
    return sum;
}

/// E over actions of the estimator's gradient by each logit: d(logprob_a)/d(logit_j) = [a = j] −
/// p_j.
Values expected_gradient(KlEstimator estimator) {
    const Values policy = log_softmax(kPolicyLogits);
    const Values reference = log_softmax(kReferenceLogits);
    Values sum(policy.size());
    for (std::size_t a = 0; a < policy.size(); ++a)
        for (std::size_t j = 0; j < policy.size(); ++j)
            sum[j] += std::exp(policy[a]) * kl_term(policy[a], reference[a], estimator).gradient *
                      ((a == j ? 1 : 0) - std::exp(policy[j]));
    return sum;
}

void expect_central_differences(const Values& gradient,
                                const std::function<double(const Values&)>& function) {
    constexpr double kStep = 1e-5;
    for (std::size_t j = 0; j < gradient.size(); ++j) {
        Values above = kPolicyLogits, below = kPolicyLogits;
        above[j] += kStep;
        below[j] -= kStep;
        const double slope =
            (function(log_softmax(above)) - function(log_softmax(below))) / (2 * kStep);
        EXPECT_NEAR(gradient[j], slope, 1e-9) << "logit " << j;
    }
}

TEST(KlTerm, K1AndK3HaveTheDivergenceAsTheirExpectation) {
    const double exact = divergence(log_softmax(kPolicyLogits), log_softmax(kReferenceLogits));
    EXPECT_NEAR(expected_value(KlEstimator::kK1), exact, 1e-14);
    EXPECT_NEAR(expected_value(KlEstimator::kK3), exact, 1e-14);
}

TEST(KlTerm, ExpectedGradientOfK1AndK2IsThatOfTheDivergenceFromTheReference) {
    const auto from_reference = [](const Values& policy) {
        return divergence(policy, log_softmax(kReferenceLogits));
    };
    expect_central_differences(expected_gradient(KlEstimator::kK1), from_reference);
    expect_central_differences(expected_gradient(KlEstimator::kK2), from_reference);
}

TEST(KlTerm, ExpectedGradientOfK3IsThatOfTheReversedDivergence) {
    expect_central_differences(expected_gradient(KlEstimator::kK3), [](const Values& policy) {
        return divergence(log_softmax(kReferenceLogits), policy);
    });
}

}  // namespace
}  // namespace r1
