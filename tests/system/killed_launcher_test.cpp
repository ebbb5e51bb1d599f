// SPDX-License-Identifier: Apache-2.0
// A killed launcher leaves nothing behind that runs on, and nothing that a resume collides with.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "checkpoint/attempt.h"
#include "tests/system/stopped_runs.h"

namespace r1 {
namespace {

using KilledLauncher = StoppedRuns;

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
    EXPECT_LT(newest_step(one.run()), kLongSteps);
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
    EXPECT_EQ(survivors_after(one.path(), 2), "");
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
