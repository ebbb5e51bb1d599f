// SPDX-License-Identifier: Apache-2.0
// With `deterministic: strict` a run has the same bits on any number of ranks, also when it is
// killed on one number and goes on on another.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

std::string strict_recipe(int ranks) {
    return "deterministic: strict\n" +
           with(long_recipe(), "ranks: 2", "ranks: " + std::to_string(ranks));
}

class StrictRanks : public testing::TestWithParam<std::pair<int, int>> {
  protected:
    static void SetUpTestSuite() {
        untouched = std::make_unique<OneRun>(strict_recipe(1));
        const Transcript transcript = untouched->start();
        ASSERT_TRUE(transcript.end.ok()) << transcript.all();
    }
    static void TearDownTestSuite() { untouched.reset(); }
    static std::unique_ptr<OneRun> untouched;
};
std::unique_ptr<OneRun> StrictRanks::untouched;

TEST_P(StrictRanks, KilledOnSomeRanksAndResumedOnOthersItHasTheBitsOfOneRank) {
    const auto [before, after] = GetParam();
    OneRun one(strict_recipe(before));
    R1ctl command = one.begin();
    kill_at(one, command, after_step(37), Victim::kAllRanks);  // in the middle of a rollout
    if (HasFatalFailure()) return;
    const Transcript transcript = one.resume_on(after);
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
    expect_same_results(untouched->run(), one.run());
    if (!HasFailure())
        std::printf("C6: killed on %d ranks, resumed on %d: the bits of one rank, strict\n", before,
                    after);
}

INSTANTIATE_TEST_SUITE_P(Ranks, StrictRanks,
                         testing::Values(std::pair{1, 4}, std::pair{2, 3}, std::pair{3, 1},
                                         std::pair{4, 2}),
                         [](const auto& of) {
                             return std::to_string(of.param.first) + "To" +
                                    std::to_string(of.param.second);
                         });

}  // namespace
}  // namespace r1
