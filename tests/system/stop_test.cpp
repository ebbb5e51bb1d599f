// SPDX-License-Identifier: Apache-2.0
// Every way to ask a run to stop, and that it goes on afterwards as if nobody had asked.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "checkpoint/attempt.h"
#include "common/time.h"
#include "tests/system/stopped_runs.h"

namespace r1 {
namespace {

using Stop = StoppedRuns;

class StopSignal : public Stop, public testing::WithParamInterface<int> {};

TEST_P(StopSignal, OnceSavesAndSaysSoAndResumeGoesOn) {
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    wait_for(one, command, 33);
    if (HasFatalFailure()) return;
    command.signal(GetParam());
    const Transcript transcript = command.wait();
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
    const std::int64_t step = newest_step(one.run());
    EXPECT_NE(transcript.err.find("stopped after saving step " + std::to_string(step)),
              std::string::npos)
        << transcript.err;
    EXPECT_EQ(newest_checkpoint(one), step);
    EXPECT_LT(step, kLongSteps);
    expect_ended(one, 2);
    EXPECT_EQ(one.state(), "stopped");
    expect_resumes(one);
}
INSTANTIATE_TEST_SUITE_P(Signals, StopSignal, testing::Values(SIGINT, SIGTERM),
                         [](const auto& of) { return of.param == SIGINT ? "Int" : "Term"; });

TEST_F(Stop, BeforeTheRanksAreUpIsNotForgotten) {
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    ASSERT_TRUE(wait_until([&] { return !pids_of(one.path(), "mpirun").empty(); }, 20));
    command.signal(SIGINT);
    const Transcript transcript = command.wait();
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
    EXPECT_EQ(one.state(), "stopped");
    EXPECT_LT(newest_step(one.run()), kLongSteps);
    expect_ended(one, 2);
    expect_resumes(one);
}

TEST_F(Stop, TwiceStopsAtOnce) {
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    wait_for(one, command, 32);
    if (HasFatalFailure()) return;
    // Ranks that hang do not save: nothing but the second signal ends them.
    for (const pid_t pid : pids_of(one.path(), "r1ctl-rank")) ::kill(pid, SIGSTOP);
    command.signal(SIGINT);
    // Two signals at once would be one to a process that had no time to take the first.
    ASSERT_TRUE(
        wait_until([&] { return command.err().find("stopping:") != std::string::npos; }, 20));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_FALSE(command.ended());
    const double asked = monotonic_seconds();
    command.signal(SIGINT);
    const Transcript transcript = command.wait();
    EXPECT_LT(monotonic_seconds() - asked, 10) << "ranks that hang do not end by themselves";
    EXPECT_NE(transcript.err.find("stopping at once"), std::string::npos) << transcript.err;
    expect_ended(one, 2);
    // mpirun wakes what it ends: the ranks may just have had the time for a last save.
    const bool saved = one.state() == "stopped";
    EXPECT_EQ(transcript.end.exit_code, saved ? 0 : 1) << transcript.all();
    if (!saved) {
        EXPECT_EQ(one.state(), "interrupted");
    }
    expect_resumes(one);
}

TEST_F(Stop, OnlyOneOfTwoResumesRuns) {
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    kill_at(one, command, after_step(3), Victim::kAllRanks);
    if (HasFatalFailure()) return;
    R1ctl a = one.begin_resume();
    R1ctl b = one.begin_resume();
    const Transcript of_a = a.wait();
    const Transcript of_b = b.wait();
    EXPECT_NE(of_a.end.ok(), of_b.end.ok()) << of_a.all() << of_b.all();
    EXPECT_EQ((of_a.end.ok() ? of_b : of_a).end.exit_code, 1);
    EXPECT_EQ(one.run().newest_attempt(), 2);
    expect_same_results(untouched->run(), one.run());
}

TEST(TimeLimit, SavesAndStopsAndResumeGoesOn) {
    const std::string endless = with(small_recipe(), "steps: 12", "steps: 100000");
    OneRun one(with(endless, "ranks: 2", "ranks: 2\n  time_limit: 5s"));
    const double begin = monotonic_seconds();
    const Transcript stopped = one.start();
    EXPECT_LT(monotonic_seconds() - begin, 30);
    EXPECT_TRUE(stopped.end.ok()) << stopped.all();
    EXPECT_EQ(one.state(), "stopped");
    const std::int64_t step = newest_step(one.run());
    EXPECT_EQ(list_checkpoints(one.run().checkpoints()).back(), step);
    const Transcript resumed = one.resume();
    EXPECT_TRUE(resumed.end.ok()) << resumed.all();
    EXPECT_EQ(one.state(), "stopped");
    EXPECT_GT(newest_step(one.run()), step);
}

}  // namespace
}  // namespace r1
