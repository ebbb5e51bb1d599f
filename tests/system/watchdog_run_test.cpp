// SPDX-License-Identifier: Apache-2.0
// Ranks that are stopped stand for those that hang: they hold no signal back but answer none.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "checkpoint/attempt.h"
#include "common/host.h"
#include "common/time.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

constexpr double kLimit = 3;
constexpr double kGrace = 1;

std::string watched(const std::string& recipe, int ranks, const std::string& limit) {
    return with(recipe, "ranks: 2", "ranks: " + std::to_string(ranks) + "\n  watchdog: " + limit);
}

struct Hang {
    int ranks;
    int victim;
};

class FrozenRank : public testing::TestWithParam<Hang> {};

TEST_P(FrozenRank, IsNamedAndTheRunEndsAndResumes) {
    const auto [ranks, victim] = GetParam();
    OneRun one(watched(long_recipe(), ranks, "3s"));
    R1ctl command = one.begin();
    const RunDirectory run = one.run();
    ASSERT_TRUE(wait_until([&] { return newest_step(run) >= 32 || command.ended(); }, 40));
    ASSERT_FALSE(command.ended()) << command.wait().all();
    const auto places = read_ranks(run, 1);
    ASSERT_EQ(places.size(), static_cast<std::size_t>(ranks));
    const auto pid = static_cast<pid_t>(places[static_cast<std::size_t>(victim)].pid);
    const double begin = monotonic_seconds();
    ASSERT_EQ(::kill(pid, SIGSTOP), 0);
    const Transcript transcript = command.wait();
    EXPECT_LT(monotonic_seconds() - begin, kLimit + kGrace + 6);
    EXPECT_EQ(transcript.end.exit_code, 4) << transcript.all();
    const std::string said = "r1ctl: rank " + std::to_string(victim) + " on " + host_name() +
                             " hung: made no progress for 3s";
    EXPECT_NE(transcript.err.find(said), std::string::npos) << transcript.err;
    const auto errors = read_rank_errors(run, 1);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].rank, victim);
    EXPECT_TRUE(errors[0].hung);
    expect_ended(one, 3);
    EXPECT_EQ(one.state(), "failed");

    OneRun untouched(watched(long_recipe(), ranks, "3s"));
    ASSERT_TRUE(untouched.start().end.ok());
    const Transcript resumed = one.resume();
    EXPECT_TRUE(resumed.end.ok()) << resumed.all();
    expect_same_results(untouched.run(), one.run());
}
INSTANTIATE_TEST_SUITE_P(Ranks, FrozenRank,
                         testing::Values(Hang{2, 1}, Hang{2, 0}, Hang{3, 1}, Hang{3, 0}),
                         [](const auto& of) {
                             return std::to_string(of.param.victim) + "Of" +
                                    std::to_string(of.param.ranks);
                         });

/// A step of several seconds on this model, in many micro-batches and tokens.
TEST(LongStep, DoesNotMeetTheWatchdog) {
    std::string recipe =
        with(watched(small_recipe(), 2, "1s"), "batch_size: 128", "batch_size: 60000");
    recipe = with(with(recipe, "steps: 30", "steps: 1"), "warmup_steps: 3", "warmup_steps: 0");
    recipe = with(recipe, "rollout_size: 128", "rollout_size: 16384");
    recipe = with(recipe, "prompts_per_step: 8\n    group_size: 8",
                  "prompts_per_step: 2048\n    group_size: 8");
    OneRun one(with(recipe, "steps: 12", "steps: 1"));
    const Transcript transcript = one.start();
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
    double longest = 0;
    for (const Json& line : json_lines(one.run().metrics()))
        longest = std::max(longest, line.at("timing_s/step").get<double>());
    EXPECT_GT(longest, 1.2) << "not longer than the limit, so that nothing was shown";
}

}  // namespace
}  // namespace r1
