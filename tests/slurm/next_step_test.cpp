// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "slurm/epilogue.h"
#include "tests/slurm/plan_fixture.h"

namespace r1 {
namespace {

using testing::small_cluster;
using testing::small_recipe;
using Nodes = std::vector<std::string>;

/// An attempt from one step to another.
AttemptRecord attempt(Ending ending, std::int64_t from, std::int64_t to, const Nodes& bad = {}) {
    AttemptRecord record;
    record.ending = ending;
    record.start_step = from;
    record.end_step = to;
    record.exit_code = 1;
    record.bad_nodes = bad;
    return record;
}

NextStep next_of(const std::vector<AttemptRecord>& attempts, std::int64_t spare_nodes = 0,
                 const ClusterProfile& profile = small_cluster()) {
    return decide_next(attempts, small_recipe(8).resources, profile, spare_nodes);
}

TEST(NextStep, EndsThatAreWishedOrFinalDoNotGoOn) {
    for (const Ending ending : {Ending::kCompleted, Ending::kCancelled, Ending::kNextJob,
                                Ending::kSuperseded, Ending::kBudget}) {
        const NextStep next = next_of({attempt(ending, 0, 10)});
        EXPECT_EQ(next.goes_on, GoesOn::kNot) << to_string(ending);
        EXPECT_EQ(next.why, "") << to_string(ending);
    }
}

// A tool that takes PREEMPTED for FAILED gives a run up that only lost its nodes.
TEST(NextStepRegression, PreemptedIsNeverFailed) {
    for (const Ending ending : {Ending::kTimeLimit, Ending::kPreempted, Ending::kRankFailed,
                                Ending::kRankKilled, Ending::kHung, Ending::kLost}) {
        const NextStep next = next_of({attempt(ending, 0, 0)});
        EXPECT_EQ(next.goes_on, GoesOn::kRequeued) << to_string(ending);
        EXPECT_EQ(next.why, "") << to_string(ending);
    }
    for (const int code : {2, 5}) {
        AttemptRecord record = attempt(Ending::kPreempted, 0, 0);
        record.exit_code = code;
        EXPECT_EQ(next_of({record}).goes_on, GoesOn::kRequeued);
    }
}

TEST(NextStep, AttemptWithoutAnEndingIsLost) {
    EXPECT_EQ(next_of({AttemptRecord{}}).goes_on, GoesOn::kRequeued);
}

TEST(NextStep, CertainFailuresAreNotRepeated) {
    for (const int code : {2, 5}) {
        AttemptRecord record = attempt(Ending::kRankFailed, 0, 40);
        record.exit_code = code;
        EXPECT_EQ(next_of({record}).goes_on, GoesOn::kNot);
        EXPECT_EQ(next_of({record}).why, "it would fail in the same way again");
    }
    AttemptRecord record = attempt(Ending::kRankFailed, 0, 40);
    record.exit_code = 4;
    EXPECT_EQ(next_of({record}).goes_on, GoesOn::kRequeued);
}

TEST(NextStep, AttemptsInARowWithoutProgressEndTheRun) {
    std::vector<AttemptRecord> attempts(4, attempt(Ending::kRankKilled, 10, 10));
    EXPECT_EQ(next_of(attempts).goes_on, GoesOn::kRequeued);
    attempts.push_back(attempt(Ending::kPreempted, 10, 10));
    EXPECT_EQ(next_of(attempts).goes_on, GoesOn::kNot);
    EXPECT_EQ(next_of(attempts).why,
              "5 attempts in a row saved nothing new (resources.attempts_without_progress)");
}

TEST(NextStep, ProgressStartsTheCountAgain) {
    std::vector<AttemptRecord> attempts(4, attempt(Ending::kRankKilled, 10, 10));
    attempts.push_back(attempt(Ending::kTimeLimit, 10, 11));
    EXPECT_EQ(next_of(attempts).goes_on, GoesOn::kRequeued);
    for (int i = 0; i < 4; ++i) attempts.push_back(attempt(Ending::kRankKilled, 11, 11));
    EXPECT_EQ(next_of(attempts).goes_on, GoesOn::kRequeued);
    attempts.push_back(attempt(Ending::kRankKilled, 11, 11));
    EXPECT_EQ(next_of(attempts).goes_on, GoesOn::kNot);
}

TEST(NextStep, LostAttemptHasNoEndStepAndNoProgress) {
    AttemptRecord lost = attempt(Ending::kLost, 10, 10);
    lost.end_step.reset();
    EXPECT_EQ(next_of(std::vector<AttemptRecord>(5, lost)).goes_on, GoesOn::kNot);
}

TEST(NextStep, MostAttemptsOfTheRecipeAreKept) {
    ResourcesSection resources = small_recipe(8).resources;
    resources.max_attempts = 2;
    const AttemptRecord good = attempt(Ending::kTimeLimit, 0, 10);
    EXPECT_EQ(decide_next({good}, resources, small_cluster(), 0).goes_on, GoesOn::kRequeued);
    const NextStep next = decide_next({good, good}, resources, small_cluster(), 0);
    EXPECT_EQ(next.goes_on, GoesOn::kNot);
    EXPECT_EQ(next.why, "it has had its resources.max_attempts, 2");
}

TEST(NextStep, BadNodesAreLeftOutWhereOthersAreSpare) {
    const AttemptRecord killed = attempt(Ending::kRankKilled, 0, 10, {"node2"});
    const NextStep spare = next_of({killed}, 1);
    EXPECT_EQ(spare.goes_on, GoesOn::kFollowUp);
    EXPECT_EQ(spare.excluded, Nodes{"node2"});
    const NextStep none = next_of({killed}, 0);
    EXPECT_EQ(none.goes_on, GoesOn::kRequeued);
    EXPECT_TRUE(none.excluded.empty());
    ClusterProfile profile = small_cluster();
    profile.exclude_bad_nodes = false;
    EXPECT_EQ(next_of({killed}, 1, profile).goes_on, GoesOn::kRequeued);
    EXPECT_TRUE(next_of({killed}, 1, profile).excluded.empty());
}

TEST(NextStep, BadNodesOfTheLastThreeAttemptsAreRememberedOnce) {
    std::vector<AttemptRecord> attempts{attempt(Ending::kRankKilled, 0, 1, {"node1"}),
                                        attempt(Ending::kRankKilled, 1, 2, {"node2"}),
                                        attempt(Ending::kHung, 2, 3, {"node3", "node2"}),
                                        attempt(Ending::kTimeLimit, 3, 4)};
    EXPECT_EQ(next_of(attempts, 2).excluded, (Nodes{"node2", "node3"}));
    EXPECT_TRUE(next_of(attempts, 1).excluded.empty());
    attempts.push_back(attempt(Ending::kTimeLimit, 4, 5));
    attempts.push_back(attempt(Ending::kTimeLimit, 5, 6));
    EXPECT_EQ(next_of(attempts, 2).goes_on, GoesOn::kRequeued);
}

TEST(NextStep, SiteWithoutRequeueGetsFollowUpJobs) {
    ClusterProfile profile = small_cluster();
    profile.requeue = false;
    const NextStep next = next_of({attempt(Ending::kTimeLimit, 0, 10)}, 0, profile);
    EXPECT_EQ(next.goes_on, GoesOn::kFollowUp);
    EXPECT_TRUE(next.excluded.empty());
}

}  // namespace
}  // namespace r1
