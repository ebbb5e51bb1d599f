// SPDX-License-Identifier: Apache-2.0
// What takes a run off its nodes, or its ranks from under it: it goes on by itself, and gives the
// bits of the run that nobody touched.
#include <signal.h>

#include <algorithm>
#include <atomic>

#include "tests/system/processes.h"
#include "tests/system/slurm/on_cluster.h"
#include "tests/system/small_recipe.h"

namespace r1 {
namespace {

class Interruption : public OnCluster {};

void requeue(const SubmittedRun& one) {
    slurm({"scontrol", "requeue", std::to_string(one.attempt().slurm->job)});
}

void requeued_twice() {
    const SubmittedRun one;
    one.wait_for_step(15);
    R1ctl logs = one.begin({"logs", "-f"});
    R1ctl watch = one.begin({"watch"});
    requeue(one);
    one.wait_for_ranks(2);
    one.wait_for_step(kClusterSftSteps + 2);
    requeue(one);
    one.expect_untouched_end();
    EXPECT_EQ(one.attempt().number, 3);
    EXPECT_EQ(one.attempt().slurm->restarts, 2);
    one.wait_for(
        "the end of logs -f and watch", [&] { return logs.ended() && watch.ended(); }, 70);
    const Transcript said = logs.wait();
    EXPECT_TRUE(said.end.ok());
    for (const char* part : {"stage sft", "==> attempt 2", "==> attempt 3", "stage rl"})
        EXPECT_NE(said.out.find(part), std::string::npos) << part << " is not in\n" << said.all();
    const Transcript watched = watch.wait();
    EXPECT_TRUE(watched.end.ok());
    EXPECT_NE(watched.out.find("completed at step 100"), std::string::npos) << watched.all();
}

/// The nodes are left out that ranks died on, as others are free.
void rank_killed() {
    const SubmittedRun one;
    one.wait_for_step(30);
    const std::string node = read_ranks(one.run(), 1).at(1).host;
    ::kill(one.rank(1, 1), SIGKILL);
    one.expect_untouched_end();
    const auto first = read_attempt(one.run(), 1).value();
    EXPECT_EQ(first.ending, Ending::kRankKilled) << first.ending_detail;
    EXPECT_EQ(first.bad_nodes, std::vector<std::string>{node});
    EXPECT_EQ(first.goes_on, GoesOn::kFollowUp);
    const auto nodes = one.attempt().slurm->nodes;
    EXPECT_EQ(std::count(nodes.begin(), nodes.end(), node), 0);
    EXPECT_NE(one.attempt().slurm->job, first.slurm->job);
}

void rank_stopped() {
    const SubmittedRun one(with(cluster_recipe(), "ranks: 2\n", "ranks: 2\n  watchdog: 5s\n"));
    one.wait_for_step(30);
    const std::string node = read_ranks(one.run(), 1).at(1).host;
    R1ctl watch = one.begin({"watch"});
    ::kill(one.rank(1, 1), SIGSTOP);
    one.wait_for(
        "the end of attempt 1", [&] { return read_attempt(one.run(), 1)->ending.has_value(); }, 40);
    const auto first = read_attempt(one.run(), 1).value();
    EXPECT_EQ(first.ending, Ending::kHung);
    EXPECT_TRUE(first.ending_detail.starts_with("rank 1 on " + node)) << first.ending_detail;
    EXPECT_EQ(first.bad_nodes, std::vector<std::string>{node});
    one.expect_untouched_end();
    one.wait_for(
        "the end of watch", [&] { return watch.ended(); }, 70);
    EXPECT_NE(watch.err().find("rank 1 on " + node), std::string::npos) << watch.err();
}

TEST_F(Interruption, OfEachKindEndsInTheSameBits) {
    untouched(cluster_recipe());
    at_once({{"requeued twice", requeued_twice},
             {"a rank killed", rank_killed},
             {"a rank stopped", rank_stopped}});
}

/// Counts the runs that are in their midst.
using Ready = std::atomic<int>;

/// A job on `high` over all nodes begins, and the run goes on when it is over.
void preempted(const std::string& partition, Ready& ready) {
    const SubmittedRun one(cluster_recipe(), {"--partition", partition});
    one.wait_for_step(20);
    one.freeze();
    ++ready;
    one.wait_for(
        "attempt 2", [&] { return one.attempt().number == 2; }, 120);
    one.expect_untouched_end();
    const auto first = read_attempt(one.run(), 1).value();
    EXPECT_EQ(first.ending, Ending::kPreempted) << first.ending_detail;
    EXPECT_EQ(first.slurm->partition, partition);
}

TEST_F(Interruption, ByAJobOfAHigherTierEndsInTheSameBits) {
    untouched(cluster_recipe());
    Ready ready{0};
    at_once({{"with grace", [&] { preempted("low", ready); }},
             {"at once", [&] { preempted("low0", ready); }},
             {"the other job", [&] {
                  wait_until([&] { return ready == 2; }, 60);
                  slurm({"sbatch", "--partition=high", "--nodes=4", "--exclusive",
                         "--output=/dev/null", "--wrap=sleep 2"});
              }}});
}

}  // namespace
}  // namespace r1
