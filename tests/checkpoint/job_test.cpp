// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/job.h"

#include <gtest/gtest.h>

#include "checkpoint/attempt.h"
#include "tests/checkpoint/damage.h"

namespace r1 {
namespace {

class Jobs : public ::testing::Test {
  protected:
    JobRecord record(int number) const {
        JobRecord job;
        job.number = number;
        job.comment = "a/" + std::to_string(number);
        job.submit_ms = 1'795'305'453'123;
        job.job = 4711;
        job.cluster = "east";
        job.partition = "gpu";
        job.first_stage = 1;
        job.end_stage = 3;
        job.ranks = 16;
        job.nodes = 2;
        job.ranks_per_node = 8;
        job.threads_per_rank = 4;
        job.gpus_per_node = 7;
        job.gpu_type = "h800";
        job.paid_gpus = 17;
        job.paid_cores = 64;
        job.time_limit_s = 3600;
        job.after_runs = {"/runs/b", "/runs/c"};
        job.problem = "refused";
        return job;
    }
    void expect_same(const JobRecord& a, const JobRecord& b) {
        EXPECT_EQ(a.number, b.number);
        EXPECT_EQ(a.comment, b.comment);
        EXPECT_EQ(a.submit_ms, b.submit_ms);
        EXPECT_EQ(a.job, b.job);
        EXPECT_EQ(a.cluster, b.cluster);
        EXPECT_EQ(a.partition, b.partition);
        EXPECT_EQ(a.first_stage, b.first_stage);
        EXPECT_EQ(a.end_stage, b.end_stage);
        EXPECT_EQ(a.ranks, b.ranks);
        EXPECT_EQ(a.nodes, b.nodes);
        EXPECT_EQ(a.ranks_per_node, b.ranks_per_node);
        EXPECT_EQ(a.threads_per_rank, b.threads_per_rank);
        EXPECT_EQ(a.gpus_per_node, b.gpus_per_node);
        EXPECT_EQ(a.gpu_type, b.gpu_type);
        EXPECT_EQ(a.paid_gpus, b.paid_gpus);
        EXPECT_EQ(a.paid_cores, b.paid_cores);
        EXPECT_EQ(a.time_limit_s, b.time_limit_s);
        EXPECT_EQ(a.after_runs, b.after_runs);
        EXPECT_EQ(a.problem, b.problem);
    }
    TemporaryFolder folder_;
    RunDirectory run_ = create_run(folder_.path(), "a", "x");
};

TEST_F(Jobs, ReadBackAsWritten) {
    write_job(run_, record(2));
    expect_same(read_job(run_, 2).value(), record(2));
    JobRecord open = record(3);
    open.job.reset();
    write_job(run_, open);
    expect_same(read_job(run_, 3).value(), open);
}

TEST_F(Jobs, AreInTheOrderOfTheirNumbers) {
    EXPECT_TRUE(read_jobs(run_).empty());
    EXPECT_FALSE(read_job(run_, 1));
    for (const int number : {10, 2, 1}) write_job(run_, record(number));
    for (const char* other : {"x.json", "3.json.tmp", ".json", "0.json", "4"})
        write_bytes(run_.jobs() / other, "{");
    const auto jobs = read_jobs(run_);
    ASSERT_EQ(jobs.size(), 3U);
    EXPECT_EQ(jobs[0].number, 1);
    EXPECT_EQ(jobs[1].number, 2);
    EXPECT_EQ(jobs[2].number, 10);
}

TEST_F(Jobs, WordsOfSlurmThatAreNoTextAreKeptReadable) {
    JobRecord job = record(1);
    job.problem = "sbatch: \xff\xfe";
    write_job(run_, job);
    EXPECT_EQ(read_job(run_, 1)->problem.substr(0, 8), "sbatch: ");
}

TEST_F(Jobs, DamagedRecordIsAnErrorWithItsPath) {
    write_job(run_, record(1));
    for (const char* torn : {"", "{\"schema\": 1, \"comm", "[]", "\xff", "{\"schema\": 99}",
                             "{\"schema\": 1, \"comment\": 7}", "{\"schema\": 1}"}) {
        write_bytes(run_.job_record(1), torn);
        for (const auto& text : {error_of([&] { read_job(run_, 1); }, ExitCode::kRunFailed),
                                 error_of([&] { read_jobs(run_); }, ExitCode::kRunFailed)})
            EXPECT_NE(text.find("jobs/1.json"), std::string::npos) << torn << ": " << text;
    }
}

TEST_F(Jobs, CancelIsRequestedAndWithdrawn) {
    EXPECT_FALSE(cancel_requested(run_));
    withdraw_cancel(run_);
    request_cancel(run_);
    request_cancel(run_);
    EXPECT_TRUE(cancel_requested(run_));
    withdraw_cancel(run_);
    EXPECT_FALSE(cancel_requested(run_));
}

TEST_F(Jobs, CancelCountsEvenWhenItsRecordIsTorn) {
    write_bytes(run_.cancel_request(), "{\"sch");
    EXPECT_TRUE(cancel_requested(run_));
}

TEST_F(Jobs, ScriptsHaveNamesOfTheirOwn) {
    EXPECT_EQ(run_.job_script(1), run_.root() / "job.sbatch");
    EXPECT_EQ(run_.job_script(2), run_.root() / "job-2.sbatch");
}

using SlurmAttempts = Jobs;

TEST_F(SlurmAttempts, ReadBackAsWritten) {
    AttemptRecord attempt;
    attempt.number = run_.begin_attempt();
    attempt.launcher = "srun";
    attempt.deadline_ms = 99;
    attempt.start_step = 30;
    attempt.job = 2;
    attempt.slurm = SlurmPlace{4711, "east", 3, "gpu", {"node1", "node2"}};
    attempt.end_stage = 1;
    attempt.ending = Ending::kRankKilled;
    attempt.ending_detail = "rank 3 \xff";
    attempt.end_step = 40;
    attempt.bad_nodes = {"node2"};
    attempt.goes_on = GoesOn::kFollowUp;
    write_attempt(run_, attempt);
    const AttemptRecord read = read_attempt(run_, 1).value();
    EXPECT_EQ(read.deadline_ms, 99);
    EXPECT_EQ(read.start_step, 30);
    EXPECT_EQ(read.job, 2);
    ASSERT_TRUE(read.slurm);
    EXPECT_EQ(read.slurm->job, 4711);
    EXPECT_EQ(read.slurm->cluster, "east");
    EXPECT_EQ(read.slurm->restarts, 3);
    EXPECT_EQ(read.slurm->partition, "gpu");
    EXPECT_EQ(read.slurm->nodes, attempt.slurm->nodes);
    EXPECT_EQ(read.end_stage, 1U);
    EXPECT_EQ(read.ending, Ending::kRankKilled);
    EXPECT_EQ(read.ending_detail, "rank 3 \xef\xbf\xbd");
    EXPECT_EQ(read.end_step, 40);
    EXPECT_EQ(read.bad_nodes, attempt.bad_nodes);
    EXPECT_EQ(read.goes_on, GoesOn::kFollowUp);
}

TEST_F(SlurmAttempts, EveryEndingReadsBack) {
    AttemptRecord attempt;
    attempt.number = run_.begin_attempt();
    for (const Ending ending :
         {Ending::kCompleted, Ending::kNextJob, Ending::kCancelled, Ending::kTimeLimit,
          Ending::kPreempted, Ending::kRankFailed, Ending::kRankKilled, Ending::kHung,
          Ending::kSuperseded, Ending::kLost})
        for (const GoesOn on : {GoesOn::kNot, GoesOn::kRequeued, GoesOn::kFollowUp}) {
            attempt.ending = ending;
            attempt.goes_on = on;
            write_attempt(run_, attempt);
            EXPECT_EQ(read_attempt(run_, 1)->ending, ending) << to_string(ending);
            EXPECT_EQ(read_attempt(run_, 1)->goes_on, on) << to_string(ending);
        }
}

// As it was written before there were jobs.
TEST_F(SlurmAttempts, OldRecordsStillLoad) {
    run_.begin_attempt();
    write_bytes(run_.attempt_record(1), R"({"schema": 1, "number": 1, "launcher": "mpirun",
        "host": "h", "launcher_pid": 7, "launcher_start_ticks": 8, "boot_id": "b", "ranks": 2,
        "threads_per_rank": 3, "gpus": 4, "start_ms": 1000, "end_ms": 2000, "exit_code": 0})");
    write_bytes(run_.attempt_outcome(1),
                R"({"schema": 1, "outcome": "stopped", "step": 40, "end_ms": 777})");
    write_bytes(run_.attempt_error(1, 0), R"({"schema": 1, "rank": 0, "host": "h",
        "message": "m", "exit_code": 4})");
    const AttemptRecord read = read_attempt(run_, 1).value();
    EXPECT_EQ(read.launcher, "mpirun");
    EXPECT_FALSE(read.deadline_ms);
    EXPECT_EQ(read.start_step, 0);
    EXPECT_EQ(read.job, 0);
    EXPECT_FALSE(read.slurm);
    EXPECT_EQ(read.end_stage, 0U);
    EXPECT_FALSE(read.ending);
    EXPECT_FALSE(read.end_step);
    EXPECT_EQ(read.goes_on, GoesOn::kNot);
    EXPECT_EQ(read_outcome(run_, 1)->reason, StopReason::kNone);
    EXPECT_FALSE(read_rank_errors(run_, 1).at(0).hung);
}

TEST_F(SlurmAttempts, UnknownWordIsAnErrorWithItsPath) {
    AttemptRecord attempt;
    attempt.number = run_.begin_attempt();
    attempt.ending = Ending::kLost;
    write_attempt(run_, attempt);
    std::string text = R"({"schema": 1, "launcher": "srun", "host": "h", "launcher_pid": 7,
        "launcher_start_ticks": 8, "boot_id": "b", "ranks": 2, "threads_per_rank": 3, "gpus": 4,
        "start_ms": 1, "ending": "vanished", "ending_detail": "", "bad_nodes": [],
        "goes_on": "no"})";
    write_bytes(run_.attempt_record(1), text);
    EXPECT_EQ(error_of([&] { read_attempt(run_, 1); }, ExitCode::kRunFailed),
              "'" + run_.attempt_record(1).string() + "' has an unknown word: 'vanished'");
}

TEST_F(SlurmAttempts, OutcomeAndErrorKeepTheirReasons) {
    run_.begin_attempt();
    for (const StopReason reason :
         {StopReason::kNone, StopReason::kSignal, StopReason::kDeadline, StopReason::kNextJob}) {
        write_outcome(run_, 1, {Outcome::kStopped, 40, 777, reason});
        EXPECT_EQ(read_outcome(run_, 1)->reason, reason);
    }
    write_rank_error(run_, 1, {3, "node2", "no progress", 1, true});
    EXPECT_TRUE(read_rank_errors(run_, 1).at(0).hung);
}

TEST_F(SlurmAttempts, RunThatGoesOnIsQueued) {
    AttemptRecord attempt;
    attempt.number = run_.begin_attempt();
    attempt.end_ms = 1;
    attempt.exit_code = 1;
    attempt.ending = Ending::kRankKilled;
    attempt.goes_on = GoesOn::kRequeued;
    write_attempt(run_, attempt);
    EXPECT_EQ(state_of(run_), RunState::kQueued);
    attempt.goes_on = GoesOn::kNot;
    write_attempt(run_, attempt);
    EXPECT_EQ(state_of(run_), RunState::kFailed);
}

}  // namespace
}  // namespace r1
