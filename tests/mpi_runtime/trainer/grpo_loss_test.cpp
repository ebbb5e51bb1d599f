// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/grpo_loss.h"

#include <gtest/gtest.h>

#include <cmath>

namespace r1 {
namespace {

constexpr double kOld = -1.3;

TokenTerm at_ratio(double ratio, double advantage, const ClipRange& clip) {
    return policy_term(kOld + std::log(ratio), kOld, advantage, clip);
}

void expect_free(const TokenTerm& term, double ratio, double advantage) {
    EXPECT_NEAR(term.value, -ratio * advantage, 1e-12);
    EXPECT_NEAR(term.gradient, -ratio * advantage, 1e-12);
    EXPECT_FALSE(term.clipped);
}

void expect_bound(const TokenTerm& term, double value) {
    EXPECT_NEAR(term.value, value, 1e-12);
    EXPECT_EQ(term.gradient, 0);
    EXPECT_TRUE(term.clipped);
}

TEST(PolicyTerm, EqualLogprobsGiveRatioOneExactly) {
    for (const double advantage : {2.0, -0.7}) {
        const TokenTerm term = policy_term(-0.1, -0.1, advantage, {});
        EXPECT_EQ(term.value, -advantage);
        EXPECT_EQ(term.gradient, -advantage);
        EXPECT_FALSE(term.clipped);
    }
}

TEST(PolicyTerm, GoodTokenIsBoundedAboveOnlyAndByTheHighRange) {
    const ClipRange clip{0.1, 0.4, 0};
    expect_free(at_ratio(1.39, 2, clip), 1.39, 2);
    expect_bound(at_ratio(1.41, 2, clip), -1.4 * 2);
    expect_free(at_ratio(0.3, 2, clip), 0.3, 2);
}

TEST(PolicyTerm, BadTokenIsBoundedBelowOnlyAndByTheLowRange) {
    const ClipRange clip{0.1, 0.4, 0};
    expect_free(at_ratio(0.91, -2, clip), 0.91, -2);
    expect_bound(at_ratio(0.89, -2, clip), 0.9 * 2);
    expect_free(at_ratio(3, -2, clip), 3, -2);
}

TEST(PolicyTerm, RangeOfTenNeverBoundsBelow) {
    const ClipRange clip{10, 10, 0};
    for (const double ratio : {1e-8, 0.01, 0.5, 10.9}) {
        expect_free(at_ratio(ratio, 1.5, clip), ratio, 1.5);
        expect_free(at_ratio(ratio, -1.5, clip), ratio, -1.5);
    }
    expect_bound(at_ratio(11.1, 1.5, clip), -11 * 1.5);
}

TEST(PolicyTerm, DualClipBoundsTheLossOfBadTokensAlone) {
    const ClipRange clip{0.2, 0.2, 3};
    expect_free(at_ratio(2.9, -2, clip), 2.9, -2);
    expect_bound(at_ratio(3.1, -2, clip), 3 * 2);
    expect_bound(at_ratio(3.1, 2, clip), -1.2 * 2);
    expect_bound(at_ratio(0.5, -2, clip), 0.8 * 2);
    expect_free(at_ratio(3.1, -2, {0.2, 0.2, 0}), 3.1, -2);
}

TEST(PolicyTerm, NoAdvantageGivesNoGradientAndIsNotClipped) {
    const TokenTerm term = at_ratio(5, 0, {0.2, 0.2, 3});
    EXPECT_EQ(term.value, 0);
    EXPECT_EQ(term.gradient, 0);
    EXPECT_FALSE(term.clipped);
}

TEST(PolicyTerm, HugeRatioStaysFinite) {
    const TokenTerm term = policy_term(0, -1e4, -1, {});
    EXPECT_TRUE(std::isfinite(term.value));
    EXPECT_TRUE(std::isfinite(term.gradient));
}

TEST(PolicyTerm, GradientEqualsCentralDifferencesAwayFromTheKinks) {
    constexpr double kStep = 1e-6;
    for (const ClipRange& clip : {ClipRange{0.2, 0.28, 0}, ClipRange{0.2, 0.28, 3}})
        for (const double advantage : {1.7, -0.6})
            for (const double ratio : {0.3, 0.77, 0.83, 1.0, 1.25, 1.31, 2.5, 3.5}) {
                const double logprob = kOld + std::log(ratio);
                const double above = policy_term(logprob + kStep, kOld, advantage, clip).value;
                const double below = policy_term(logprob - kStep, kOld, advantage, clip).value;
                EXPECT_NEAR(policy_term(logprob, kOld, advantage, clip).gradient,
                            (above - below) / (2 * kStep), 1e-8)
                    << ratio << ' ' << advantage;
            }
}

/// Two tokens in the loss and one outside of it, seen in two calls.
struct GrpoLossTest : testing::Test {
    std::vector<double> gradients(double kl_coefficient, KlEstimator estimator) {
        sums = {};
        GrpoLoss loss({{-1.0, -1.5, 2.0, 0.25}, {-2.0, -2.5, -1.0, 0.0}, {-0.5, -0.2, -3.0, 0.5}},
                      {0.2, 0.2, 0}, kl_coefficient, estimator, sums);
        std::vector<double> result(3, 99);
        const std::span<double> all(result);
        loss.evaluate(0, std::vector<double>{-1.0, -9.0}, std::vector<double>{0.7, 5.0},
                      all.first(2));
        loss.evaluate(2, std::vector<double>{-1.5}, std::vector<double>{0.4}, all.last(1));
        return result;
    }
    GrpoSums sums;
};

TEST_F(GrpoLossTest, SumsCountTheTokensThatHaveAWeight) {
    gradients(0, KlEstimator::kK3);
    EXPECT_EQ(sums.tokens, 2);
    EXPECT_EQ(sums.clipped, 1);  // ratio exp(-1) = 0.37 with a negative advantage
    // 0.25 · (−1 · 2) + 0.5 · (0.8 · 3)
    EXPECT_NEAR(sums.policy_loss, -0.5 + 1.2, 1e-12);
    EXPECT_EQ(sums.kl_loss, 0);
    EXPECT_NEAR(sums.entropy, 1.1, 1e-12);
    EXPECT_NEAR(sums.old_minus_new, 1.0, 1e-12);
    EXPECT_NEAR(sums.probability_difference, std::exp(-0.5) - std::exp(-1.5), 1e-12);
    EXPECT_EQ(sums.max_probability_difference, sums.probability_difference);
}

TEST_F(GrpoLossTest, GradientIsTheWeightedSumOfBothTerms) {
    const std::vector<double> gradient = gradients(0.1, KlEstimator::kK2);
    EXPECT_NEAR(gradient[0], 0.25 * (-2.0 + 0.1 * 0.5), 1e-12);
    EXPECT_EQ(gradient[1], 0);
    EXPECT_NEAR(gradient[2], 0.5 * (0 + 0.1 * -1.3), 1e-12);
    // Before β: 0.25 · 0.5²/2 + 0.5 · 1.3²/2.
    EXPECT_NEAR(sums.kl_loss, 0.25 * 0.125 + 0.5 * 0.845, 1e-12);
}

/// Three outputs of very unequal lengths, each token with a loss of its own.
struct TokenWeightTest : testing::Test {
    double total(Aggregation aggregation) const {
        double sum = 0;
        for (const auto& [length, loss] : sequences)
            sum += length * loss * token_weight(aggregation, length, 1011, 3, 2000);
        return sum;
    }
    // 1, 10 and 1000 tokens with a loss of 6, 3 and 0.5 a token: 6 + 30 + 500 = 536 in all.
    std::vector<std::pair<double, double>> sequences{{1, 6.0}, {10, 3.0}, {1000, 0.5}};
};

TEST_F(TokenWeightTest, TokenMeanDividesByAllTokensNotBySequences) {
    EXPECT_NEAR(total(Aggregation::kTokenMean), 536.0 / 1011, 1e-12);
}

TEST_F(TokenWeightTest, SeqMeanTokenSumDividesBySequences) {
    EXPECT_NEAR(total(Aggregation::kSeqMeanTokenSum), 536.0 / 3, 1e-12);
}

TEST_F(TokenWeightTest, SeqMeanTokenMeanIsTheMeanOfMeans) {
    EXPECT_NEAR(total(Aggregation::kSeqMeanTokenMean), (6.0 + 3.0 + 0.5) / 3, 1e-12);
}

TEST_F(TokenWeightTest, SeqMeanTokenSumNormDividesByTheLimitWhateverTheLengths) {
    EXPECT_NEAR(total(Aggregation::kSeqMeanTokenSumNorm), 536.0 / 3 / 2000, 1e-12);
}

}  // namespace
}  // namespace r1
