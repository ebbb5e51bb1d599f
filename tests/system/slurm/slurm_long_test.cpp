// SPDX-License-Identifier: Apache-2.0
// What takes minutes, since Slurm's own times are long: time limits, and a node whose daemon stays
// dead while its ranks live.
#include <signal.h>

#include <algorithm>

#include "tests/system/slurm/on_cluster.h"
#include "tests/system/small_recipe.h"

namespace r1 {
namespace {

class Slow : public OnCluster {};

std::string long_recipe(const std::string& steps) {
    return with(cluster_recipe(), "steps: 60", "steps: " + steps);
}

/// A run that needs more than one job's time takes several, and loses nothing.
TEST_F(Slow, TimeLimitOfAMinuteIsMetAgainAndAgain) {
    // Not in the recipe, whose limit the untouched run would heed too.
    const SubmittedRun one(long_recipe("6000"), {"--set", "resources.time_limit=1m"});
    one.expect_completed(900);
    const int attempts = one.attempt().number;
    EXPECT_GE(attempts, 2);
    for (int number = 1; number < attempts; ++number) {
        const AttemptRecord attempt = read_attempt(one.run(), number).value();
        EXPECT_EQ(attempt.ending, Ending::kTimeLimit) << attempt.ending_detail;
        EXPECT_EQ(read_attempt(one.run(), number + 1)->start_step, attempt.end_step);
        EXPECT_EQ(read_outcome(one.run(), number)->step, attempt.end_step);
    }
    for (const JobStart& allocation : ended_allocations(one.id()))
        EXPECT_NE(allocation.state, "TIMEOUT");
    one.expect_untouched_results();
}

bool lives(const RankPlace& place) {
    return ::kill(static_cast<pid_t>(place.pid), 0) == 0;
}

/// The old ranks, and the script that waits for them, live on where Slurm cannot reach them.
TEST_F(Slow, DeadDaemonOfTheBatchNodeMakesNoSecondWriter) {
    // More than a minute of training also on an idle machine: Slurm takes half of one to miss a
    // node.
    const SubmittedRun one(long_recipe("12000"));
    one.wait_for_step(30);
    const auto ranks = read_ranks(one.run(), 1);
    const std::string node = one.attempt().slurm->nodes.at(0);
    cluster->act({"stop-node", node});
    one.wait_for(
        "another attempt", [&] { return one.attempt().number > 1; }, 150);
    cluster->act({"start-node", node});
    one.wait_for(
        "the end of the old ranks", [&] { return std::none_of(ranks.begin(), ranks.end(), lives); },
        60);
    one.expect_untouched_end(300);
}

}  // namespace
}  // namespace r1
