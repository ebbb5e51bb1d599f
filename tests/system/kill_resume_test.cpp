// SPDX-License-Identifier: Apache-2.0
// Interrupted equals uninterrupted: whatever is killed, and whenever, the run that is resumed gives
// the bits of the one that was never touched.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "common/file.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

struct Case {
    const char* name;
    Victim victim;
    Moment moment;
};

class KillResume : public testing::TestWithParam<Case> {
  protected:
    static void SetUpTestSuite() {
        untouched = std::make_unique<OneRun>(long_recipe());
        const Transcript transcript = untouched->start();
        ASSERT_TRUE(transcript.end.ok()) << transcript.all();
    }
    static void TearDownTestSuite() { untouched.reset(); }
    static std::unique_ptr<OneRun> untouched;
};
std::unique_ptr<OneRun> KillResume::untouched;

TEST_P(KillResume, GivesTheBitsOfTheUntouchedRun) {
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    kill_at(one, command, GetParam().moment, GetParam().victim);
    if (HasFatalFailure()) return;
    const Transcript transcript = one.resume();
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
    EXPECT_EQ(one.state(), "completed");
    expect_same_results(untouched->run(), one.run());
    if (!HasFailure())
        std::printf("C6: killed (%s) and resumed on 2 ranks: the bits of the untouched run\n",
                    GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(
    Moments, KillResume,
    testing::Values(Case{"AllRanksBeforeTheFirstCheckpoint", Victim::kAllRanks, after_step(2)},
                    Case{"OneRankWithinSft", Victim::kOneRank, after_step(13)},
                    Case{"MpirunWithinSft", Victim::kMpirun, after_step(17)},
                    Case{"AllRanksDuringASave", Victim::kAllRanks, while_saving_after(10)},
                    Case{"MpirunDuringASave", Victim::kMpirun, while_saving_after(20)},
                    Case{"AllRanksAtTheEndOfAStage", Victim::kAllRanks, once_checkpoint_exists(30)},
                    Case{"AllRanksWithinARollout", Victim::kAllRanks, after_step(33)},
                    Case{"OneRankAfterASaveWithinARollout", Victim::kOneRank,
                         once_checkpoint_exists(35)},
                    Case{"R1ctlWithinSft", Victim::kR1ctl, after_step(8)},
                    Case{"R1ctlWithinARollout", Victim::kR1ctl, after_step(33)}),
    [](const auto& of) { return of.param.name; });

TEST_F(KillResume, ATornLastLineOfTheMetricsIsWrittenAgain) {
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    kill_at(one, command, after_step(12), Victim::kAllRanks);
    if (HasFatalFailure()) return;
    const std::string metrics = read_file(one.run().metrics());
    write_file_durably(one.run().metrics(), metrics.substr(0, metrics.size() - 40));
    const Transcript transcript = one.resume();
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
    expect_same_results(untouched->run(), one.run());
}

}  // namespace
}  // namespace r1
