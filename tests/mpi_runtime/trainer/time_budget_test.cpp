// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/time_budget.h"

#include <gtest/gtest.h>

namespace r1 {
namespace {

TEST(TimeBudget, NothingMeasuredKeepsTheEpilogueBack) {
    const TimeBudget budget(0, 0, kEpilogueSeconds);
    EXPECT_EQ(budget.needed(true), kEpilogueSeconds);
    EXPECT_FALSE(budget.knows_saves());
}

TEST(TimeBudget, LongestStepAndTwiceTheLongestSaveAreKeptBack) {
    TimeBudget budget(0, 0, 15);
    for (const double seconds : {3.0, 7.0, 5.0}) budget.step_took(seconds);
    for (const double seconds : {2.0, 4.0, 1.0}) budget.save_took(seconds);
    EXPECT_EQ(budget.needed(false), 7 + 2 * 4 + 15);
    EXPECT_TRUE(budget.knows_saves());
}

TEST(TimeBudget, SavesOfEarlierAttemptsCountFromTheStart) {
    TimeBudget budget(10, 0, 15);
    EXPECT_TRUE(budget.knows_saves());
    EXPECT_EQ(budget.needed(false), 20 + 15);
    budget.save_took(2);
    EXPECT_EQ(budget.needed(false), 20 + 15) << "the longest ever counts";
}

TEST(TimeBudget, EvaluationCountsWhereOneFollows) {
    TimeBudget budget(0, 60, 0);
    budget.step_took(1);
    EXPECT_EQ(budget.needed(false), 1);
    EXPECT_EQ(budget.needed(true), 61);
    budget.evaluation_took(90);
    EXPECT_EQ(budget.needed(true), 91);
}

TEST(TimeBudget, LongStepsOfTheStageBeforeCountUntilTheyAreLongAgo) {
    TimeBudget budget(0, 0, 0);
    budget.step_took(100);
    budget.begin_stage();
    budget.step_took(1);
    EXPECT_EQ(budget.needed(false), 100) << "this stage may yet be as slow";
    for (int step = 0; step < 8; ++step) budget.step_took(1);
    EXPECT_EQ(budget.needed(false), 1);
}

TEST(TimeBudget, LongStepOfTheSameStageCountsForEver) {
    TimeBudget budget(0, 0, 0);
    budget.step_took(100);
    for (int step = 0; step < 1000; ++step) budget.step_took(1);
    EXPECT_EQ(budget.needed(false), 100);
}

}  // namespace
}  // namespace r1
