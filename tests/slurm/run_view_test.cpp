// SPDX-License-Identifier: Apache-2.0
#include "slurm/run_view.h"

#include "common/file.h"
#include "tests/checkpoint/damage.h"
#include "tests/slurm/run_view_fixture.h"

namespace r1 {
namespace {

using testing::RunViews;

TEST_F(RunViews, ManyRunsAreOneLookAtTheQueueAndOneAtTheAccounting) {
    const RunDirectory model = make_run("model");
    add_job(model, 1, 424242);
    const std::string record = read_file(model.job_record(1));
    std::vector<RunDirectory> runs;
    for (int i = 0; i < 1000; ++i) {  // written by hand: durable writes take their time
        const std::string name = "run" + std::to_string(i);
        runs.emplace_back(folder_ / name);
        std::filesystem::create_directories(runs.back().jobs());
        std::string own = record;
        own.replace(own.find("424242"), 6, std::to_string(i + 1));
        write_bytes(runs.back().job_record(1), own);
        if (i % 2 == 0) continue;
        scheduler_.queued.push_back(row(i + 1, "PENDING", "Priority"));
        scheduler_.queued.back().name = name;
    }
    const auto views = view_runs(runs, &scheduler_);
    ASSERT_EQ(views.size(), 1000U);
    EXPECT_EQ(views[1].state, RunState::kQueued);
    EXPECT_EQ(views[2].state, RunState::kInterrupted);
    EXPECT_EQ(scheduler_.queue_calls, 1);
    EXPECT_EQ(scheduler_.history_calls, 1);
    EXPECT_EQ(scheduler_.asked_ids.size(), 500U);
    EXPECT_EQ(scheduler_.asked_since_s, kSubmitMs / 1000);
}

TEST_F(RunViews, RunsThatHaveEndedAskNobody) {
    const RunDirectory completed = make_run("done");
    add_job(completed, 1, 7);
    attempt_of(completed, 7);
    write_outcome(completed, 1, {Outcome::kCompleted, 1, 1, StopReason::kNone});
    const RunDirectory failed = make_run();
    add_job(failed, 1, 8);
    end(failed, attempt_of(failed, 8), Ending::kRankFailed, GoesOn::kNot, "rank 0 on node1: bad");
    const RunDirectory local = make_run("local");
    const auto views = view_runs({completed, failed, local}, &scheduler_);
    EXPECT_EQ(views[0].state, RunState::kCompleted);
    EXPECT_EQ(views[0].note, "");
    EXPECT_EQ(views[1].state, RunState::kFailed);
    EXPECT_EQ(views[1].note, "rank 0 on node1: bad");
    EXPECT_EQ(views[2].state, RunState::kQueued);
    EXPECT_TRUE(views[2].jobs.empty());
    EXPECT_EQ(scheduler_.queue_calls + scheduler_.history_calls, 0);
}

TEST_F(RunViews, WithoutASchedulerOnlyTheRecordsCount) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    EXPECT_EQ(view_runs({run}, nullptr).at(0).state, RunState::kQueued);
    attempt_of(run, 7);
    EXPECT_EQ(view_runs({run}, nullptr).at(0).state, RunState::kUnknown);
}

TEST_F(RunViews, WaitingJobSaysWhy) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    for (const char* reason : {"Priority", "Resources", "JobHeldUser", "JobHeldAdmin",
                               "DependencyNeverSatisfied", "ReqNodeNotAvail,May be reserved"}) {
        scheduler_.queued = {row(7, "PENDING", reason)};
        expect_view(run, RunState::kQueued, reason);
    }
    for (const char* reason : {"", "None"}) {
        scheduler_.queued = {row(7, "PENDING", reason)};
        expect_view(run, RunState::kQueued, "waits");
    }
    scheduler_.queued = {row(7, "REQUEUE_HOLD", "launch failed requeued held")};
    expect_view(run, RunState::kQueued, "launch failed requeued held (held)");
    EXPECT_EQ(view(run).queued->id.number, 7);
    EXPECT_EQ(scheduler_.history_calls, 0);
}

TEST_F(RunViews, RequeuedJobIsHeldBackForAMoment) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    scheduler_.queued = {row(7, "PENDING", "BeginTime")};
    expect_view(run, RunState::kQueued, "BeginTime");
    end(run, attempt_of(run, 7), Ending::kPreempted, GoesOn::kRequeued, "saved step 4");
    expect_view(run, RunState::kQueued, "requeued; Slurm holds it back for a moment");
}

TEST_F(RunViews, RunningJobStartsRunsAndEnds) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    scheduler_.queued = {row(7, "RUNNING", "None", "node1")};
    expect_view(run, RunState::kRunning, "starting");
    const AttemptRecord attempt = attempt_of(run, 7);
    expect_view(run, RunState::kRunning, "");
    scheduler_.queued[0].state = parse_job_state("SUSPENDED");
    expect_view(run, RunState::kRunning, "SUSPENDED");
    scheduler_.queued[0].state = parse_job_state("RUNNING");
    end(run, attempt, Ending::kTimeLimit, GoesOn::kRequeued, "saved");
    expect_view(run, RunState::kRunning, "ending");
    scheduler_.queued[0].restarts = 1;  // its next start, before its attempt is written
    expect_view(run, RunState::kRunning, "starting");
}

TEST_F(RunViews, UnknownWordOfSlurmIsPassedOn) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    scheduler_.queued = {row(7, "REVOKED")};
    expect_view(run, RunState::kUnknown, "Slurm calls it REVOKED");
}

TEST_F(RunViews, RunningOneOfTwoJobsCountsThenTheFirst) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    add_job(run, 2, 8);
    scheduler_.queued = {row(9, "PENDING", "Dependency"), row(8, "PENDING", "Priority")};
    EXPECT_EQ(view(run).queued->id.number, 8);
    scheduler_.queued[0].state = parse_job_state("RUNNING");
    EXPECT_EQ(view(run).queued->id.number, 9);
    scheduler_.queued = {row(7, "FAILED", "", "node1"), row(8, "PENDING", "Priority")};
    expect_view(run, RunState::kQueued, "Priority");
}

TEST_F(RunViews, JobOfACallThatNeverAnsweredIsFoundByItsName) {
    const RunDirectory run = make_run();
    add_job(run, 1, std::nullopt);
    scheduler_.queued = {row(7, "PENDING", "Priority")};
    expect_view(run, RunState::kQueued, "Priority");
}

TEST_F(RunViews, AnotherNameUnderTheSameIdIsAnothersJob) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    scheduler_.queued = {row(7, "RUNNING", "", "node1")};
    scheduler_.queued[0].name = "someone";
    scheduler_.past = {{past(7, "FAILED", 5)}};
    scheduler_.past->at(0).name = "someone";
    expect_view(run, RunState::kInterrupted, "Slurm knows nothing of its job");
}

TEST_F(RunViews, EndInTheQueueIsToldWithItsNodes) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    const auto expect_end = [&](const char* state, RunState expected, const std::string& note) {
        scheduler_.queued = {row(7, state, "", "node3")};
        expect_view(run, expected, note);
    };
    expect_end("NODE_FAIL", RunState::kInterrupted, "node failure on node3");
    expect_end("TIMEOUT", RunState::kInterrupted, "cut off by the time limit on node3");
    expect_end("PREEMPTED", RunState::kInterrupted, "preempted, and not queued again");
    expect_end("FAILED", RunState::kFailed, "the job script failed; r1ctl logs --batch shows why");
    expect_end("CANCELLED", RunState::kInterrupted, "the job was cancelled");
    expect_end("COMPLETED", RunState::kInterrupted,
               "its job ended (COMPLETED) before the run was complete");
    EXPECT_EQ(scheduler_.history_calls, 0);
}

TEST_F(RunViews, JobCancelledWhileItWaitedIsStoppedWhenTheUserWishedIt) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    scheduler_.queued = {row(7, "CANCELLED")};
    expect_view(run, RunState::kInterrupted, "the job was cancelled");
    request_cancel(run);
    expect_view(run, RunState::kStopped, "the job was cancelled");
    scheduler_.queued.clear();
    scheduler_.past = {{past(7, "CANCELLED by 1000", 5, "")}};
    expect_view(run, RunState::kStopped, "the job was cancelled");
}

TEST_F(RunViews, FirstStagesFailureCountsMoreThanTheSecondsCancel) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    add_job(run, 2, 8);
    scheduler_.queued = {row(8, "CANCELLED"), row(7, "NODE_FAIL", "", "node3")};
    expect_view(run, RunState::kInterrupted, "node failure on node3");
    scheduler_.queued.clear();
    scheduler_.past = {{past(7, "NODE_FAIL", 5, "node3"), past(8, "CANCELLED by 0", 9, "")}};
    expect_view(run, RunState::kInterrupted, "node failure on node3");
}

TEST_F(RunViews, RefusedJobDoesNotCountWhereThereIsAnother) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    const QueuedJob refused = row(6, "FAILED", "BadConstraints");
    scheduler_.queued = {refused, row(7, "PENDING", "Priority")};
    expect_view(run, RunState::kQueued, "Priority");
    scheduler_.queued = {row(8, "FAILED", "BadConstraints"), row(7, "NODE_FAIL", "", "node3")};
    expect_view(run, RunState::kInterrupted, "node failure on node3");
    scheduler_.queued = {refused};
    scheduler_.past = {{past(6, "FAILED", 9, ""), past(7, "TIMEOUT", 5)}};
    expect_view(run, RunState::kInterrupted, "cut off by the time limit on node1");
}

TEST_F(RunViews, RefusedJobAloneWasNotQueued) {
    const RunDirectory run = make_run();
    JobRecord job = add_job(run, 1, std::nullopt, utc_milliseconds());
    scheduler_.queued = {row(6, "FAILED", "BadConstraints")};
    expect_view(run, RunState::kFailed, "not queued: Slurm refused it (BadConstraints)");
    job.problem = "sbatch: Requested node configuration is not available\nmore";
    write_job(run, job);
    expect_view(run, RunState::kFailed,
                "not queued: sbatch: Requested node configuration is not available");
    scheduler_.queued.clear();
    expect_view(run, RunState::kFailed,
                "not queued: sbatch: Requested node configuration is not available");
}

TEST_F(RunViews, JobsTakenBackForALaterOnesRefusalWereNotQueued) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    JobRecord second = add_job(run, 2, std::nullopt);
    second.problem = "sbatch: Invalid qos";
    write_job(run, second);
    scheduler_.queued = {row(7, "CANCELLED"), row(8, "FAILED", "BadConstraints")};
    expect_view(run, RunState::kFailed, "not queued: sbatch: Invalid qos");
    scheduler_.queued.clear();
    scheduler_.past = {{past(7, "CANCELLED by 0", 5, "")}};
    expect_view(run, RunState::kFailed, "not queued: sbatch: Invalid qos");
}

TEST_F(RunViews, NewSubmissionOfAnEndedRunIsLookedFor) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    end(run, attempt_of(run, 7), Ending::kRankFailed, GoesOn::kNot, "bad");
    add_job(run, 2, 8, kSubmitMs + 5000);
    scheduler_.queued = {row(8, "PENDING", "Priority")};
    expect_view(run, RunState::kQueued, "Priority");
}

TEST_F(RunViews, NextStagesJobIsLookedForWhenTheFirstIsDone) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    add_job(run, 2, 8);
    end(run, attempt_of(run, 7), Ending::kNextJob, GoesOn::kNot, "saved step 10");
    scheduler_.queued = {row(8, "PENDING", "Resources")};
    expect_view(run, RunState::kQueued, "Resources");
}

TEST_F(RunViews, DamagedRecordIsAProblemAndTheQueueStillTells) {
    const RunDirectory run = make_run();
    add_job(run, 1, 7);
    write_bytes(run.job_record(1), "{");
    scheduler_.queued = {row(7, "RUNNING", "", "node1")};
    const RunView seen = view(run);
    EXPECT_EQ(seen.state, RunState::kRunning);
    EXPECT_NE(seen.problem.find("jobs/1.json"), std::string::npos) << seen.problem;
    scheduler_.queued.clear();
    EXPECT_EQ(view(run).state, RunState::kQueued);  // as the other records say
}

}  // namespace
}  // namespace r1
