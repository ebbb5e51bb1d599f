// SPDX-License-Identifier: Apache-2.0
// The values for [1,0,0,0] and [1,1,0,0] are the conventions' formulas worked out by hand.
#include "mpi_runtime/trainer/advantage.h"

#include <gtest/gtest.h>

#include <cmath>

namespace r1 {
namespace {

constexpr AdvantageKind kEvery[] = {AdvantageKind::kVerl, AdvantageKind::kTrl,
                                    AdvantageKind::kGrpoZero, AdvantageKind::kNemoRl,
                                    AdvantageKind::kDrGrpo};

void expect_advantages(AdvantageKind kind, const std::vector<double>& rewards,
                       const std::vector<double>& expected) {
    const std::vector<double> advantages = group_advantages(rewards, kind);
    ASSERT_EQ(advantages.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(advantages[i], expected[i], 1e-6) << "sample " << i;
}

const std::vector<double> kOneRight{1, 0, 0, 0};
const std::vector<double> kTwoRight{1, 1, 0, 0};

TEST(GroupAdvantages, VerlDividesByTheSampleDeviationPlusOneMillionth) {
    expect_advantages(AdvantageKind::kVerl, kOneRight, {1.499997, -0.499999, -0.499999, -0.499999});
    expect_advantages(AdvantageKind::kVerl, kTwoRight, {0.866024, 0.866024, -0.866024, -0.866024});
}

TEST(GroupAdvantages, TrlDividesByTheSampleDeviationPlusOneTenThousandth) {
    expect_advantages(AdvantageKind::kTrl, kOneRight, {1.4997001, -0.4999000, -0.4999, -0.4999});
    expect_advantages(AdvantageKind::kTrl, kTwoRight,
                      {0.8658754, 0.8658754, -0.8658754, -0.8658754});
}

TEST(GroupAdvantages, GrpoZeroDividesByThePopulationDeviation) {
    expect_advantages(AdvantageKind::kGrpoZero, kOneRight,
                      {1.731651, -0.577217, -0.577217, -0.577217});
    expect_advantages(AdvantageKind::kGrpoZero, kTwoRight, {0.9998, 0.9998, -0.9998, -0.9998});
}

TEST(GroupAdvantages, NemoRlComparesASampleWithTheOthersAlone) {
    // The lone success: the others are all 0, so 1 − 0 is not divided. A failure: the others have
    // mean 1/3 and deviation 1/sqrt(3), so −(1/3) / (1/sqrt(3)) = −1/sqrt(3).
    expect_advantages(AdvantageKind::kNemoRl, kOneRight, {1.0, -0.577349, -0.577349, -0.577349});
    expect_advantages(AdvantageKind::kNemoRl, kTwoRight,
                      {1.1546985, 1.1546985, -1.1546985, -1.1546985});
}

TEST(GroupAdvantages, DrGrpoOnlySubtractsTheMean) {
    expect_advantages(AdvantageKind::kDrGrpo, kOneRight, {0.75, -0.25, -0.25, -0.25});
    expect_advantages(AdvantageKind::kDrGrpo, kTwoRight, {0.5, 0.5, -0.5, -0.5});
}

TEST(GroupAdvantages, LoneSuccessOfSixteenIsOneInNemoRlAndThreeAndThreeQuartersInVerl) {
    std::vector<double> rewards(16, 0.0);
    rewards[5] = 1;
    EXPECT_DOUBLE_EQ(group_advantages(rewards, AdvantageKind::kNemoRl)[5], 1.0);
    // mean 1/16, deviation with 15: sqrt((1 − 1/16) / 15) = 1/4, so (15/16) / (1/4) = 3.75.
    EXPECT_NEAR(group_advantages(rewards, AdvantageKind::kVerl)[5], 3.75, 2e-5);
}

TEST(GroupAdvantages, EqualRewardsGiveExactlyZero) {
    // 0.1 is no binary fraction: its mean over 7 is not 0.1, which must not become a signal.
    for (const AdvantageKind kind : kEvery)
        for (const double reward : {0.0, 0.1, 1.1})
            for (const std::size_t size : {2u, 7u})
                EXPECT_EQ(group_advantages(std::vector<double>(size, reward), kind),
                          std::vector<double>(size, 0.0));
}

TEST(GroupAdvantages, GroupOfOneIsZeroButForVerl) {
    const std::vector<double> alone{0.8};
    for (const AdvantageKind kind : {AdvantageKind::kTrl, AdvantageKind::kGrpoZero,
                                     AdvantageKind::kNemoRl, AdvantageKind::kDrGrpo})
        EXPECT_EQ(group_advantages(alone, kind), std::vector<double>{0.0});
    expect_advantages(AdvantageKind::kVerl, alone, {0.8 / (1 + 1e-6)});
}

TEST(GroupAdvantages, GroupOfTwoIsFiniteInEveryConvention) {
    // Leave one out: one other has no deviation, so the difference stays as it is.
    for (const AdvantageKind kind : kEvery)
        for (const double advantage : group_advantages(std::vector<double>{1, 0}, kind))
            EXPECT_TRUE(std::isfinite(advantage));
    expect_advantages(AdvantageKind::kNemoRl, {1, 0}, {1, -1});
}

TEST(GroupAdvantages, AllButNemoRlSumToZero) {
    const std::vector<double> rewards{1.1, 0.1, 0, 0, 1, 0.1};
    for (const AdvantageKind kind : kEvery) {
        if (kind == AdvantageKind::kNemoRl) continue;
        double sum = 0;
        for (const double advantage : group_advantages(rewards, kind)) sum += advantage;
        EXPECT_NEAR(sum, 0, 1e-12);
    }
}

}  // namespace
}  // namespace r1
