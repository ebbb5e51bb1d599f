// SPDX-License-Identifier: Apache-2.0
// Kills whatever comes, whenever, until the run is complete all the same.
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>

#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

constexpr int kKills = 10;
constexpr Victim kVictims[] = {Victim::kAllRanks, Victim::kOneRank, Victim::kMpirun,
                               Victim::kR1ctl};

TEST(RandomKills, NeverChangeTheResult) {
    // Longer than the other tests' runs, so that most of the kills find one at work.
    const std::string recipe =
        with(with(small_recipe(), "steps: 12", "steps: 60"), "every_steps: 5", "every_steps: 3");
    OneRun untouched(recipe);
    const Transcript whole = untouched.start();
    ASSERT_TRUE(whole.end.ok()) << whole.all();

    std::mt19937 random(20261121);
    OneRun one(recipe);
    R1ctl first = one.begin();
    std::vector<std::string> story;
    for (int i = 0; i < kKills; ++i) {
        const auto delay = std::chrono::milliseconds(50 + random() % 1450);
        const Victim victim = kVictims[random() % std::size(kVictims)];
        if (i == 0) {
            std::this_thread::sleep_for(delay);
            kill_victim(one.path(), victim);
            first.wait();
        } else {
            R1ctl next = one.begin_resume();
            std::this_thread::sleep_for(delay);
            kill_victim(one.path(), victim);
            next.wait();
        }
        story.push_back(std::string(to_string(victim)) + " after " + std::to_string(delay.count()) +
                        " ms, at step " + std::to_string(newest_step(one.run())) + ": " +
                        one.state());
        EXPECT_NE(one.state(), "running") << story.back();
    }
    EXPECT_EQ(survivors_after(one.path(), 10), "");
    const Transcript last = one.resume();
    EXPECT_TRUE(last.end.ok()) << last.all();
    EXPECT_EQ(one.state(), "completed");
    expect_same_results(untouched.run(), one.run());
    for (const std::string& line : story) std::printf("%s\n", line.c_str());
}

}  // namespace
}  // namespace r1
