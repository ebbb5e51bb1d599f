// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/save_clock.h"

#include <gtest/gtest.h>

namespace r1 {
namespace {

CheckpointSection section(SaveInterval interval) {
    CheckpointSection section;
    section.interval = interval;
    section.every_steps = 5;
    section.every_time.seconds = 60;
    section.mtbf_per_rank.seconds = 1'000'000;
    return section;
}

TEST(SaveClock, ByStepsCountsThoseOfTheStage) {
    const SaveClock clock(section(SaveInterval::kSteps), 2, 0);
    EXPECT_TRUE(clock.due(5, 0, false));
    EXPECT_TRUE(clock.due(10, 0, false));
    EXPECT_FALSE(clock.due(7, 1e9, false));
    CheckpointSection never = section(SaveInterval::kSteps);
    never.every_steps = 0;
    EXPECT_FALSE(SaveClock(never, 2, 0).due(5, 0, false));
}

TEST(SaveClock, ByTimeCountsFromTheLastSaveOfAnyKind) {
    SaveClock clock(section(SaveInterval::kTime), 2, 100);
    EXPECT_FALSE(clock.due(5, 159, false));
    EXPECT_TRUE(clock.due(7, 160, false));
    clock.save_began(161);
    EXPECT_FALSE(clock.due(8, 220, false));
    EXPECT_TRUE(clock.due(9, 221, false));
}

TEST(SaveClock, AutoLearnsFromTheFirstSaveAndFollowsYoung) {
    SaveClock clock(section(SaveInterval::kAuto), 8, 0);
    EXPECT_FALSE(clock.interval());
    EXPECT_TRUE(clock.due(1, 0, false));
    EXPECT_FALSE(clock.due(2, 0, true)) << "it is about to learn";
    clock.save_began(0);
    clock.save_ended(0.1, 1);
    // √(2 · 0.1 s · 1,000,000 s / 8 ranks)
    ASSERT_TRUE(clock.interval());
    EXPECT_NEAR(*clock.interval(), 158.11, 0.01);
    EXPECT_FALSE(clock.due(100, 158, false));
    EXPECT_TRUE(clock.due(100, 159, false));
    clock.save_ended(0.05, 2);  // the longest pause counts
    EXPECT_NEAR(*clock.interval(), 158.11, 0.01);
}

TEST(SaveClock, AutoDoesNotSaveFasterThanItWrites) {
    SaveClock clock(section(SaveInterval::kAuto), 8, 0);
    clock.save_ended(0.001, 40);
    EXPECT_DOUBLE_EQ(*clock.interval(), 80);
}

}  // namespace
}  // namespace r1
