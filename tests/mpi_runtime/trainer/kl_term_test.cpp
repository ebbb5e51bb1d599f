// SPDX-License-Identifier: Apache-2.0
// The estimators of the divergence, over every action of a policy of one token: what holds in
// expectation holds here exactly, and no sampling error hides a wrong gradient.
#include <gtest/gtest.h>

#include <cmath>

#include "mpi_runtime/trainer/grpo_loss.h"

namespace r1 {
namespace {

constexpr KlEstimator kEvery[] = {KlEstimator::kK1, KlEstimator::kK2, KlEstimator::kK3};

TEST(KlTerm, EqualPolicyAndReferenceGiveExactlyZero) {
    for (const KlEstimator estimator : kEvery) {
        EXPECT_EQ(kl_term(-0.3, -0.3, estimator).value, 0);
        EXPECT_EQ(kl_term(-0.3, -0.3, estimator).gradient, 0);
    }
}

TEST(KlTerm, ValuesFollowTheirFormulas) {
    // d = 0.5: k1 = d, k2 = d²/2, k3 = exp(−d) + d − 1.
    EXPECT_NEAR(kl_term(-1.0, -1.5, KlEstimator::kK1).value, 0.5, 1e-12);
    EXPECT_NEAR(kl_term(-1.0, -1.5, KlEstimator::kK2).value, 0.125, 1e-12);
    EXPECT_NEAR(kl_term(-1.0, -1.5, KlEstimator::kK3).value, 0.10653065971263342, 1e-12);
    EXPECT_NEAR(kl_term(-1.5, -1.0, KlEstimator::kK1).value, -0.5, 1e-12);
    EXPECT_NEAR(kl_term(-1.5, -1.0, KlEstimator::kK3).value, 0.14872127070012815, 1e-12);
}

TEST(KlTerm, GradientsOfK2AndK3EqualCentralDifferences) {
    constexpr double kStep = 1e-6;
    for (const KlEstimator estimator : {KlEstimator::kK2, KlEstimator::kK3})
        for (const double logprob : {-3.0, -1.1, -0.9, -0.01}) {
            const double above = kl_term(logprob + kStep, -1.0, estimator).value;
            const double below = kl_term(logprob - kStep, -1.0, estimator).value;
            EXPECT_NEAR(kl_term(logprob, -1.0, estimator).gradient, (above - below) / (2 * kStep),
                        1e-8);
        }
}

TEST(KlTerm, FarApartStaysFinite) {
    for (const KlEstimator estimator : kEvery)
        for (const double logprob : {-1e4, -1e-4}) {
            const TokenTerm term = kl_term(logprob, -500, estimator);
            EXPECT_TRUE(std::isfinite(term.value));
            EXPECT_TRUE(std::isfinite(term.gradient));
        }
}

/// A softmax policy over five actions and a reference.
struct OneTokenPolicy : testing::Test {
    using Values = std::vector<double>;

    static Values log_softmax(const Values& logits) {
        double sum = 0;
        for (const double logit : logits) sum += std::exp(logit);
        Values result;
        for (const double logit : logits) result.push_back(logit - std::log(sum));
        return result;
    }
    double divergence(const Values& at) const {
        const Values policy = log_softmax(at);
        double sum = 0;
        for (std::size_t a = 0; a < policy.size(); ++a)
            sum += std::exp(policy[a]) * (policy[a] - reference[a]);
        return sum;
    }
    double expected_value(KlEstimator estimator) const {
        const Values policy = log_softmax(logits);
        double sum = 0;
        for (std::size_t a = 0; a < policy.size(); ++a)
            sum += std::exp(policy[a]) * kl_term(policy[a], reference[a], estimator).value;
        return sum;
    }
    /// E_a[ g(a) · ∇ logπ(a) ] by the logits, where ∇_j logπ(a) = [a = j] − π(j).
    Values expected_gradient(KlEstimator estimator) const {
        const Values policy = log_softmax(logits);
        Values gradient(policy.size(), 0);
        for (std::size_t a = 0; a < policy.size(); ++a) {
            const double g =
                std::exp(policy[a]) * kl_term(policy[a], reference[a], estimator).gradient;
            for (std::size_t j = 0; j < policy.size(); ++j)
                gradient[j] += g * ((a == j ? 1 : 0) - std::exp(policy[j]));
        }
        return gradient;
    }
    template <class Function>
    Values differences(Function function) const {
        constexpr double kStep = 1e-6;
        Values gradient;
        for (std::size_t j = 0; j < logits.size(); ++j) {
            Values above = logits;
            Values below = logits;
            above[j] += kStep;
            below[j] -= kStep;
            gradient.push_back((function(above) - function(below)) / (2 * kStep));
        }
        return gradient;
    }
    static void expect_near(const Values& actual, const Values& expected) {
        for (std::size_t j = 0; j < expected.size(); ++j)
            EXPECT_NEAR(actual[j], expected[j], 1e-9) << "logit " << j;
    }
    Values logits{0.3, -1.2, 0.9, 0.0, -0.4};
    Values reference = log_softmax({-0.5, 0.8, 0.2, 1.0, -1.5});
};

TEST_F(OneTokenPolicy, ExpectedValuesOfK1AndK3AreTheDivergence) {
    const double truth = divergence(logits);
    EXPECT_GT(truth, 0.1);
    EXPECT_NEAR(expected_value(KlEstimator::kK1), truth, 1e-12);
    EXPECT_NEAR(expected_value(KlEstimator::kK3), truth, 1e-12);
}

TEST_F(OneTokenPolicy, ExpectedGradientsOfK1AndK2AreTheDivergences) {
    const Values truth = differences([&](const Values& at) { return divergence(at); });
    expect_near(expected_gradient(KlEstimator::kK2), truth);
    expect_near(expected_gradient(KlEstimator::kK1), truth);
}

TEST_F(OneTokenPolicy, ExpectedGradientOfK3IsThatOfTheReverseDivergence) {
    // E_π[(1 − ref/π) ∇logπ] = −E_ref[∇logπ] = ∇ KL(ref ‖ π), for E_π[∇logπ] = 0.
    const Values reverse = differences([&](const Values& at) {
        const Values policy = log_softmax(at);
        double sum = 0;
        for (std::size_t a = 0; a < policy.size(); ++a)
            sum += std::exp(reference[a]) * (reference[a] - policy[a]);
        return sum;
    });
    expect_near(expected_gradient(KlEstimator::kK3), reverse);
    const Values truth = differences([&](const Values& at) { return divergence(at); });
    EXPECT_GT(std::abs(truth[0] - reverse[0]), 0.01) << "the two must be told apart";
}

}  // namespace
}  // namespace r1
