// SPDX-License-Identifier: Apache-2.0
// Runs whose jobs the queue does not show any more, or not yet.
#include "tests/slurm/run_view_fixture.h"

namespace r1 {
namespace {

using testing::RunViews;
using RunHistory = RunViews;

TEST_F(RunHistory, LastStartOfARequeuedJobCounts) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    scheduler_.past = {{past(7, "PREEMPTED", 5), past(7, "COMPLETED", 9)}};
    expect_view(run, RunState::kInterrupted,
                "its job ended (COMPLETED) before the run was complete");
    scheduler_.past = {{past(7, "COMPLETED", 9), past(7, "PREEMPTED", 5)}};
    expect_view(run, RunState::kInterrupted,
                "its job ended (COMPLETED) before the run was complete");
    scheduler_.past = {{past(7, "PREEMPTED", 5), past(7, "NODE_FAIL", 9, "node3")}};
    expect_view(run, RunState::kInterrupted, "node failure on node3");
}

// A tool that takes PREEMPTED for FAILED gives a run up that only lost its nodes.
TEST_F(RunHistory, PreemptedIsNeverFailed) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    scheduler_.past = {{past(7, "PREEMPTED", 5)}};
    expect_view(run, RunState::kInterrupted, "preempted, and not queued again");
}

TEST_F(RunHistory, YoungJobThatNobodyKnowsIsNotGone) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7, utc_milliseconds() - 10'000);
    expect_view(run, RunState::kUnknown, "Slurm does not show its job yet");
    add_job(run, 1, 7, utc_milliseconds() - 310'000);
    expect_view(run, RunState::kInterrupted, "Slurm knows nothing of its job");
}

TEST_F(RunHistory, WithoutAccountingTheQueueIsAllThereIs) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    scheduler_.past.reset();
    expect_view(run, RunState::kInterrupted,
                "its job is not in the queue, and there is no accounting");
}

TEST_F(RunHistory, RunWithoutAnyIdIsNotAskedFor) {
    const RunDirectory run = make_run();
    add_job(run, 1, std::nullopt, utc_milliseconds());
    expect_view(run, RunState::kUnknown, "Slurm does not show its job yet");
    EXPECT_EQ(scheduler_.history_calls, 0);
}

TEST_F(RunHistory, SilentQueueIsANoteAndNoEnd) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    scheduler_.queue_error = "squeue failed (exit code 1): Unable to contact slurm controller\nx";
    expect_view(run, RunState::kUnknown,
                "squeue failed (exit code 1): Unable to contact slurm controller");
    EXPECT_EQ(scheduler_.history_calls, 0);
}

TEST_F(RunHistory, SilentAccountingIsANoteOfTheRunsItWasAskedFor) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    const RunDirectory other = make_run("run2");
    add_job(other, 1, 8);
    scheduler_.queued = {row(7, "PENDING", "Priority")};
    scheduler_.history_error = "sacct failed (exit code 1): Too wide of a date range";
    const auto views = view_runs({run, other}, &scheduler_);
    EXPECT_EQ(views[0].note, "Priority");
    EXPECT_EQ(views[1].state, RunState::kUnknown);
    EXPECT_EQ(views[1].note, "sacct failed (exit code 1): Too wide of a date range");
}

// The accounting hears of a job's name a moment after it hears of the job.
TEST_F(RunHistory, JobThatTheAccountingCannotNameYetIsKnownByItsId) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    scheduler_.past = {{past(7, "TIMEOUT", 5)}};
    scheduler_.past->at(0).name = "allocation";
    expect_view(run, RunState::kInterrupted, "cut off by the time limit on node1");
    scheduler_.past->at(0).id.number = 6;
    expect_view(run, RunState::kInterrupted, "Slurm knows nothing of its job");
    scheduler_.past->at(0).id.number = 7;
    scheduler_.past->at(0).submit_s = kSubmitMs / 1000 - 3600;  // of another time with this id
    expect_view(run, RunState::kInterrupted, "Slurm knows nothing of its job");
}

TEST_F(RunHistory, JobThatTheAccountingCallsAliveHasNotEnded) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    scheduler_.past = {{past(7, "RUNNING", 5)}};
    expect_view(run, RunState::kUnknown,
                "the queue does not show its job, which the accounting calls RUNNING");
}

}  // namespace
}  // namespace r1
