// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/progress.h"

#include <gtest/gtest.h>

namespace r1 {
namespace {

TEST(Progress, ActivitiesNestAndEachEndBeats) {
    const Activity training("training");
    const Progress before = look_at_progress();
    EXPECT_STREQ(before.activity, "training");
    {
        const Activity saving("writing a checkpoint");
        EXPECT_STREQ(look_at_progress().activity, "writing a checkpoint");
        EXPECT_EQ(look_at_progress().beats, before.beats + 1);
    }
    EXPECT_STREQ(look_at_progress().activity, "training");
    EXPECT_EQ(look_at_progress().beats, before.beats + 2);
    beat();
    EXPECT_EQ(look_at_progress().beats, before.beats + 3);
}

TEST(Progress, CollectivesAreCountedAndKnownAsSuch) {
    const Progress before = look_at_progress();
    EXPECT_FALSE(before.in_collective);
    {
        const CollectiveCall call;
        EXPECT_TRUE(look_at_progress().in_collective);
    }
    EXPECT_FALSE(look_at_progress().in_collective);
    EXPECT_EQ(look_at_progress().collectives, before.collectives + 1);
}

TEST(Progress, WaitingForACollectiveCountsNoOther) {
    const Progress before = look_at_progress();
    const CollectiveWait waiting;
    EXPECT_TRUE(look_at_progress().in_collective);
    EXPECT_EQ(look_at_progress().collectives, before.collectives);
}

}  // namespace
}  // namespace r1
