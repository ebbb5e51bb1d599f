// SPDX-License-Identifier: Apache-2.0
#include "slurm/epilogue.h"

#include <gtest/gtest.h>

namespace r1 {
namespace {

using Nodes = std::vector<std::string>;

constexpr std::int64_t kHour = 3'600'000;

EndFacts stopped(StopReason reason, std::int64_t left_ms = kHour) {
    EndFacts facts;
    facts.outcome = OutcomeRecord{Outcome::kStopped, 40, 1, reason};
    facts.left_ms = left_ms;
    return facts;
}

EndFacts silent(int status, const std::string& log = "", std::int64_t left_ms = kHour) {
    EndFacts facts;
    facts.status = status;
    facts.left_ms = left_ms;
    facts.log = log;
    return facts;
}

void expect_finding(const EndFacts& facts, Ending ending, const std::string& detail,
                    const Nodes& bad_nodes, int exit_code) {
    const EndFinding finding = find_ending(facts);
    EXPECT_STREQ(to_string(finding.ending), to_string(ending)) << detail;
    EXPECT_EQ(finding.detail, detail);
    EXPECT_EQ(finding.bad_nodes, bad_nodes) << detail;
    EXPECT_EQ(finding.exit_code, exit_code) << detail;
}

TEST(FindEnding, CompletedIsCompletedWhateverElseHappened) {
    EndFacts facts = silent(137, "srun: error: node2: task 3: Killed\n");
    facts.outcome = OutcomeRecord{Outcome::kCompleted, 100, 1, StopReason::kNone};
    facts.errors = {{0, "node1", "late", 4, false}};
    facts.cancelled = facts.signalled = facts.superseded = true;
    expect_finding(facts, Ending::kCompleted, "", {}, 0);
}

TEST(FindEnding, NewerAttemptTakesTheRunOver) {
    EndFacts facts = stopped(StopReason::kSignal);
    facts.superseded = true;
    expect_finding(facts, Ending::kSuperseded, "a newer attempt of the run has begun", {}, 1);
}

TEST(FindEnding, CancelledRunHasSavedOrNot) {
    EndFacts facts = stopped(StopReason::kSignal);
    facts.cancelled = true;
    expect_finding(facts, Ending::kCancelled, "saved step 40 and stopped, as asked", {}, 0);
    facts = silent(137, "srun: error: node2: task 3: Killed\n");
    facts.cancelled = true;
    expect_finding(facts, Ending::kCancelled, "ended before it could save, as asked", {}, 137);
}

TEST(FindEnding, StoppedForTheNextJobTheDeadlineOrASignal) {
    expect_finding(stopped(StopReason::kNextJob), Ending::kNextJob,
                   "saved step 40; the next stage is another job's", {}, 0);
    expect_finding(stopped(StopReason::kDeadline), Ending::kTimeLimit,
                   "saved step 40 before the time limit", {}, 0);
    expect_finding(stopped(StopReason::kSignal), Ending::kPreempted, "saved step 40 on a signal",
                   {}, 0);
}

TEST(FindEnding, StoppedBecauseTheBudgetIsUsedUp) {
    expect_finding(stopped(StopReason::kBudget), Ending::kBudget,
                   "saved step 40 and stopped: the run's budget is used up", {}, 6);
    // Also where the time limit is near.
    expect_finding(stopped(StopReason::kBudget, 1'000), Ending::kBudget,
                   "saved step 40 and stopped: the run's budget is used up", {}, 6);
}

TEST(FindEnding, SignalNearTheLimitIsTheLimits) {
    expect_finding(stopped(StopReason::kSignal, 179'999), Ending::kTimeLimit,
                   "saved step 40 before the time limit", {}, 0);
    expect_finding(stopped(StopReason::kSignal, -5'000), Ending::kTimeLimit,
                   "saved step 40 before the time limit", {}, 0);
    expect_finding(stopped(StopReason::kSignal, 180'000), Ending::kPreempted,
                   "saved step 40 on a signal", {}, 0);
    EndFacts facts = stopped(StopReason::kSignal);
    facts.left_ms.reset();
    expect_finding(facts, Ending::kPreempted, "saved step 40 on a signal", {}, 0);
}

TEST(FindEnding, HungRankIsNamedAndItsNodeIsBad) {
    EndFacts facts = silent(4, "srun: error: node1: tasks 0-7: Killed\n");
    facts.errors = {{0, "node1", "MPI: MPI_Allreduce failed", 4, false},
                    {9, "node2", "no progress for 30m\nin rollout", 1, true}};
    expect_finding(facts, Ending::kHung, "rank 9 on node2: no progress for 30m", {"node2"}, 1);
}

TEST(FindEnding, FirstErrorOfARankIsTheCause) {
    EndFacts facts = silent(4, "srun: error: node1: task 0: Exited with exit code 4\n");
    facts.errors = {{3, "node2", "CUDA: out of memory\nmore", 4, false},
                    {0, "node1", "MPI: broken", 4, false}};
    expect_finding(facts, Ending::kRankFailed, "rank 3 on node2: CUDA: out of memory", {}, 4);
    facts.errors.front().exit_code = 0;
    EXPECT_EQ(find_ending(facts).exit_code, 1);
}

TEST(FindEnding, KilledRankCountsMoreThanTheErrorsOfMpiAfterIt) {
    EndFacts facts = silent(137,
                            "srun: error: node2: task 3: Killed\n"
                            "srun: error: node1: task 0: Exited with exit code 4\n");
    facts.errors = {{0, "node1", "MPI: MPI_Allreduce failed", 4, false}};
    expect_finding(facts, Ending::kRankKilled, "rank 3 on node2 ended: Killed", {"node2"}, 137);
}

// MPI_Abort ends the other ranks, and srun may tell of those first.
TEST(FindEnding, OwnErrorOfARankCountsMoreThanTheOthersKilledAfterIt) {
    EndFacts facts = silent(137,
                            "srun: error: node2: tasks 2-3: Killed\n"
                            "srun: error: node1: task 0: Exited with exit code 5\n");
    facts.errors = {{0, "node1", "step 40 does not verify", 5, false}};
    expect_finding(facts, Ending::kRankFailed, "rank 0 on node1: step 40 does not verify", {}, 5);
}

TEST(FindEnding, SrunNamesTheKilledRank) {
    expect_finding(silent(137, "step 1\nsrun: error: node2: task 3: Killed\n"), Ending::kRankKilled,
                   "rank 3 on node2 ended: Killed", {"node2"}, 137);
    expect_finding(silent(137, "srun: error: node1: tasks 0-1: Killed\n"), Ending::kRankKilled,
                   "rank 0 on node1 ended: Killed", {"node1"}, 137);
    expect_finding(silent(139,
                          "srun: error: node3: task 5: Segmentation fault (core dumped)\n"
                          "srun: error: node1: tasks 0-1: Killed\n"),
                   Ending::kRankKilled, "rank 5 on node3 ended: Segmentation fault (core dumped)",
                   {"node3"}, 139);
    expect_finding(silent(137, "srun: error: node1: task 0: Out Of Memory\n"), Ending::kRankKilled,
                   "rank 0 on node1 ended: Out Of Memory", {"node1"}, 137);
}

TEST(FindEnding, RanksKilledOnSeveralNodesAtOnceBlameNone) {
    expect_finding(silent(137, "srun: error: node[1-2]: tasks 0-15: Killed\n"), Ending::kRankKilled,
                   "rank 0 on node[1-2] ended: Killed", {}, 137);
    expect_finding(silent(137, "srun: error: node1,node3: tasks 0-15: Killed\n"),
                   Ending::kRankKilled, "rank 0 on node1,node3 ended: Killed", {}, 137);
}

TEST(FindEnding, RankThatExitedFirstWasNotKilled) {
    expect_finding(silent(4,
                          "srun: error: node1: task 0: Exited with exit code 4\n"
                          "srun: error: node2: tasks 2-3: Killed\n"),
                   Ending::kRankKilled, "the ranks ended with exit code 4 and without saying why",
                   {}, 4);
}

TEST(FindEnding, MpirunNamesTheKilledRank) {
    expect_finding(
        silent(137,
               "mpirun noticed that process rank 3 with PID 77 on node node2 exited on signal "
               "9 (Killed).\n"),
        Ending::kRankKilled, "rank 3 on node2 ended: signal 9 (Killed)", {"node2"}, 137);
}

TEST(FindEnding, SignalBeforeTheRanksListenIsNobodysFault) {
    const std::string log = "srun: error: node1: tasks 0-7: User defined signal 2\n";
    expect_finding(silent(140, log), Ending::kPreempted, "ended by a signal before it could save",
                   {}, 140);
    expect_finding(silent(140, log, 59'999), Ending::kTimeLimit,
                   "cut off by the time limit before it could save", {}, 140);
    expect_finding(silent(143, "srun: error: node1: task 0: Terminated\n"), Ending::kPreempted,
                   "ended by a signal before it could save", {}, 143);
    EndFacts facts = silent(140, log);
    facts.errors = {{9, "node2", "MPI: MPI_Init failed", 4, false}};
    expect_finding(facts, Ending::kPreempted, "ended by a signal before it could save", {}, 140);
}

TEST(FindEnding, KilledWhileStoppingIsPreempted) {
    EndFacts facts = silent(137, "srun: error: node1: task 0: Killed\n");
    facts.signalled = true;
    expect_finding(facts, Ending::kPreempted, "ended by a signal before it could save", {}, 137);
}

TEST(FindEnding, SilenceIsAnEndWithoutACause) {
    expect_finding(silent(0), Ending::kRankKilled,
                   "the ranks ended with exit code 0 and without saying why", {}, 1);
    expect_finding(silent(9), Ending::kRankKilled,
                   "the ranks ended with exit code 9 and without saying why", {}, 9);
    expect_finding(silent(137, "", -1), Ending::kTimeLimit,
                   "cut off by the time limit before it could save", {}, 137);
}

TEST(FindEnding, UnfitNodesAreNamedWithTheirReasons) {
    EndFacts facts = silent(1, "srun: error: node2: task 1: Exited with exit code 1\n");
    facts.unfit_nodes = {{"node2", "no rank program"}, {"node4", "no rank program"}};
    expect_finding(facts, Ending::kRankFailed, "node2: no rank program; node4: no rank program",
                   {"node2", "node4"}, 1);
}

TEST(FindEnding, BytesOfTheLogArePrintable) {
    EXPECT_EQ(find_ending(silent(1, "srun: error: no\x1b[2Jde: task 1: Kil\x07led\n")).detail,
              "rank 1 on no\\x1B[2Jde ended: Kil\\x07led");
}

}  // namespace
}  // namespace r1
