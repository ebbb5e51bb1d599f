// SPDX-License-Identifier: Apache-2.0
// A queue in memory, and runs whose records are written by hand.
#pragma once

#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "checkpoint/attempt.h"
#include "checkpoint/job.h"
#include "cli/context.h"
#include "common/error.h"
#include "common/time.h"
#include "slurm/scheduler.h"
#include "tests/cli/recipe_text.h"
#include "tests/common/temporary_folder.h"

namespace r1 {

/// What the fake queue holds, and what it was asked for: "cancel 12", "signal 12 USR2".
struct FakeQueue {
    std::vector<QueuedJob> jobs;
    std::vector<PastJob> past;
    std::vector<std::string> calls;
    std::function<void(const std::string& call)> on_call = [](const std::string&) {};

    void note(const std::string& call) {
        calls.push_back(call);
        on_call(call);
    }
};

class FakeScheduler final : public Scheduler {
  public:
    explicit FakeScheduler(FakeQueue& queue) : queue_(queue) {}

    JobId submit(const JobRequest& request) override {
        queue_.note("submit " + request.comment);
        return {next_++, ""};
    }
    Forecast forecast(const JobRequest&) override { return {true, ""}; }
    std::vector<QueuedJob> queue() override {
        queue_.note("queue");
        return queue_.jobs;
    }
    std::optional<std::vector<PastJob>> history(const std::vector<std::int64_t>&,
                                                std::int64_t) override {
        queue_.note("history");
        return queue_.past;
    }
    void signal_ranks(const JobId& id, const std::string& signal) override {
        queue_.note("signal " + to_string(id) + " " + signal);
    }
    void cancel(const JobId& id) override {
        std::erase_if(queue_.jobs, [&](const QueuedJob& job) { return job.id == id; });
        queue_.note("cancel " + to_string(id));
    }
    void requeue(const JobId&) override {}

  private:
    FakeQueue& queue_;
    std::int64_t next_ = 100;
};

/// A folder of runs and what a verb says.
class SubmittedRuns {
  public:
    std::filesystem::path runs() const { return folder_.path() / "runs"; }
    std::string out() const { return out_.str(); }
    std::string err() const { return err_.str(); }
    void clear() {
        out_.str("");
        err_.str("");
    }

    /// A run with one job record, number 12.
    RunDirectory submitted(const std::string& id) {
        const RunDirectory run = create_run(runs(), id, kRecipe);
        JobRecord job;
        job.number = 1;
        job.comment = id + "/1";
        job.submit_ms = utc_milliseconds() - 3'600'000;
        job.job = 12;
        job.partition = "gpu";
        job.end_stage = 2;
        job.ranks = 16;
        job.nodes = 2;
        job.ranks_per_node = 8;
        job.threads_per_rank = 1;
        job.gpus_per_node = 8;
        job.time_limit_s = 3600;
        write_job(run, job);
        return run;
    }
    QueuedJob job(const RunDirectory& run, const std::string& state, std::int64_t id = 12) const {
        QueuedJob job;
        job.id = {id, ""};
        job.name = run.run_id();
        job.comment = run.run_id() + "/1";
        job.state = parse_job_state(state);
        if (state == "PENDING") job.reason = "Priority";
        if (state == "RUNNING") job.nodes = "node[1-2]";
        return job;
    }
    /// An attempt under Slurm that has begun an hour ago, with its ranks up.
    AttemptRecord begun(const RunDirectory& run, int number = 1, std::int64_t job = 12) {
        std::filesystem::create_directories(run.attempt(number));
        AttemptRecord record;
        record.number = number;
        record.launcher = "srun";
        record.host = "node1";
        record.boot_id = "x";
        record.ranks = 16;
        record.threads_per_rank = 1;
        record.gpus = 16;
        record.start_ms = utc_milliseconds() - 3'600'000;
        record.job = 1;
        record.slurm = SlurmPlace{job, "", 0, "gpu", {"node1", "node2"}};
        write_attempt(run, record);
        write_ranks(run, number, {{0, "node1", 1, "cpu"}, {1, "node2", 2, "cpu"}});
        return record;
    }
    void end(const RunDirectory& run, AttemptRecord record, Ending ending, GoesOn goes_on) {
        record.end_ms = utc_milliseconds();
        record.exit_code = ending == Ending::kCompleted ? 0 : 1;
        record.ending = ending;
        record.ending_detail = to_string(ending);
        record.goes_on = goes_on;
        if (ending == Ending::kCompleted)
            write_outcome(run, record.number, {Outcome::kCompleted, 7, *record.end_ms});
        write_attempt(run, record);
    }

    cli::Context context() {
        cli::Context made{out_, err_};
        made.make_scheduler = [this] { return std::make_unique<FakeScheduler>(queue_); };
        return made;
    }
    FakeQueue& queue() { return queue_; }

  private:
    TemporaryFolder folder_;
    FakeQueue queue_;
    std::ostringstream out_;
    std::ostringstream err_;
};

}  // namespace r1
