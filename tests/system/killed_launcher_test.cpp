// SPDX-License-Identifier: Apache-2.0
// A killed launcher leaves nothing behind that runs on, and nothing that a resume collides with.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <thread>

#include "checkpoint/attempt.h"
#include "checkpoint/checkpoint.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

/// Long enough to be stopped at leisure.
std::string long_recipe() {
    return with(small_recipe(), "steps: 12", "steps: 40");
}

class KilledLauncher : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        untouched = std::make_unique<OneRun>(long_recipe());
        const Transcript transcript = untouched->start();
        ASSERT_TRUE(transcript.end.ok()) << transcript.all();
    }
    static void TearDownTestSuite() { untouched.reset(); }

    static void wait_for(OneRun& one, R1ctl& command, std::int64_t step) {
        const RunDirectory run = one.run();
        ASSERT_TRUE(wait_until([&] { return newest_step(run) >= step || command.ended(); }, 40));
        ASSERT_FALSE(command.ended()) << command.wait().all();
    }
    static void expect_resumes(OneRun& one) {
        const Transcript transcript = one.resume();
        EXPECT_TRUE(transcript.end.ok()) << transcript.all();
        EXPECT_EQ(one.state(), "completed");
        expect_same_results(untouched->run(), one.run());
    }
    static std::int64_t newest_checkpoint(const OneRun& one) {
        const auto steps = list_checkpoints(one.run().checkpoints());
        return steps.empty() ? 0 : steps.back();
    }

    static std::unique_ptr<OneRun> untouched;
};
std::unique_ptr<OneRun> KilledLauncher::untouched;

TEST_F(KilledLauncher, LeavesRanksThatSaveAndStop) {
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    wait_for(one, command, 37);
    if (HasFatalFailure()) return;
    command.signal(SIGKILL);
    command.wait();
    EXPECT_NE(one.state(), "running");
    expect_ended(one, 10);
    EXPECT_EQ(newest_checkpoint(one), newest_step(one.run())) << "the ranks did not save";
    EXPECT_LT(newest_step(one.run()), 70);
    EXPECT_EQ(one.state(), "stopped");
    expect_resumes(one);
}

TEST_F(KilledLauncher, ResumeWaitsForItsRanks) {
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    wait_for(one, command, 33);
    if (HasFatalFailure()) return;
    command.signal(SIGKILL);
    command.wait();
    expect_resumes(one);
}

TEST_F(KilledLauncher, ResumeWaitsForRanksThatAreJustStarting) {
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    ASSERT_TRUE(wait_until([&] { return !pids_of(one.path(), "r1ctl-rank").empty(); }, 20));
    command.signal(SIGKILL);
    command.wait();
    expect_resumes(one);
    EXPECT_EQ(survivors_after(one.path(), 0.2), "");
}

TEST_F(KilledLauncher, LeavesNoRunBehindHoweverEarly) {
    const std::string endless = with(small_recipe(), "steps: 30", "steps: 1000000");
    for (const int delay : {0, 20, 40, 80, 120, 160, 240, 320}) {
        OneRun one(endless);
        R1ctl command = one.begin();
        ASSERT_TRUE(wait_until([&] { return !pids_of(one.path(), "mpirun").empty(); }, 20));
        std::this_thread::sleep_for(std::chrono::milliseconds(delay));
        command.signal(SIGKILL);
        command.wait();
        EXPECT_NE(one.state(), "running") << delay;
        EXPECT_EQ(survivors_after(one.path(), 8), "") << delay;
    }
}

}  // namespace
}  // namespace r1
