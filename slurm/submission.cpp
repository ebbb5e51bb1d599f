// SPDX-License-Identifier: Apache-2.0
#include "slurm/submission.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/time.h"

namespace r1 {

namespace {

/// Slurm may send its signal a minute early.
constexpr std::int64_t kSignalSlackSeconds = 60;
constexpr std::int64_t kLeastWarningSeconds = 5;
constexpr std::int64_t kUnmeasuredWarningSeconds = 300;
constexpr std::int64_t kMostWarningSeconds = 65'535;  ///< sbatch takes no more
constexpr std::uint64_t kMetricsTail = std::uint64_t{1} << 20;

/// Unique for ever to one submission.
std::string comment_of(const RunDirectory& run, int number) {
    return run.run_id() + "/" + std::to_string(number);
}

JobRecord record_of(const RunDirectory& run, const JobPlan& plan, int number) {
    JobRecord record;
    record.number = number;
    record.comment = comment_of(run, number);
    record.partition = plan.partition;
    record.first_stage = plan.first_stage;
    record.end_stage = plan.end_stage;
    record.ranks = plan.ranks;
    record.nodes = plan.nodes;
    record.ranks_per_node = plan.ranks_per_node;
    record.threads_per_rank = plan.threads_per_rank;
    record.gpus_per_node = plan.gpus_per_node;
    record.gpu_type = plan.gpu_type;
    record.paid_gpus = plan.paid_gpus;
    record.paid_cores = plan.paid_cores;
    record.time_limit_s = plan.time_limit_s;
    return record;
}

/// Queues one job and leaves its record whole, whichever way it ends.
JobRecord submit_one(const Submission& submission, const JobPlan& plan, JobRecord record,
                     const SubmitWishes& wishes, Scheduler& scheduler) {
    const RunDirectory& run = submission.run;
    const JobRequest request = job_request(submission, plan, record.number, wishes);
    write_file_durably(request.script,
                       job_script(plan, submission.profile, place_of(submission, record.number)),
                       0600);
    record.submit_ms = utc_milliseconds();
    write_job(run, record);
    try {
        const JobId id = scheduler.submit(request);
        record.job = id.number;
        record.cluster = id.cluster;
    } catch (const Error& error) {
        record.problem = error.what();
        write_job(run, record);
        throw;
    }
    write_job(run, record);
    return record;
}

/// The jobs before one that sbatch refused.
void take_back(const RunDirectory& run, std::vector<JobRecord>& queued, Scheduler& scheduler) {
    for (JobRecord& job : queued) try {
            scheduler.cancel({*job.job, job.cluster});
            job.problem = "cancelled, because a later job of the run was refused";
            write_job(run, job);
        } catch (const Error&) {
            // The refusal is what the user must hear of, and the others are to be cancelled as
            // well.
        }
}

double number_of(const Json& line, const char* name) {
    const auto field = line.find(name);
    return field != line.end() && field->is_number() ? field->get<double>() : 0;
}

}  // namespace

JobPlace place_of(const Submission& submission, int number) {
    return {submission.run.root(), number, submission.r1ctl, submission.rank_program,
            submission.environment};
}

JobRequest job_request(const Submission& submission, const JobPlan& plan, int number,
                       const SubmitWishes& wishes) {
    return {sbatch_options(plan, submission.profile, place_of(submission, number), wishes),
            submission.run.job_script(number), submission.run.run_id(),
            comment_of(submission.run, number)};
}

std::vector<JobRecord> submit_jobs(const Submission& submission, const std::vector<JobPlan>& plans,
                                   const SubmissionWishes& wishes, Scheduler& scheduler) {
    const std::vector<JobRecord> earlier = read_jobs(submission.run);
    int number = earlier.empty() ? 1 : earlier.back().number + 1;
    SubmitWishes each;
    each.hold = wishes.hold;
    each.after = wishes.after;
    each.excluded = wishes.excluded;
    std::vector<JobRecord> queued;
    for (const JobPlan& plan : plans) {
        JobRecord record = record_of(submission.run, plan, number++);
        if (queued.empty()) record.after_runs = wishes.after_runs;
        each.warning_s = warning_seconds(submission.run, plan.time_limit_s);
        try {
            queued.push_back(submit_one(submission, plan, record, each, scheduler));
        } catch (const Error&) {
            take_back(submission.run, queued, scheduler);
            throw;
        }
        // Only the first is held, and waits for others' jobs: the rest wait for it.
        each.hold = false;
        each.after = {*queued.back().job};
    }
    return queued;
}

JobPlan plan_of(const JobRecord& record) {
    JobPlan plan;
    plan.first_stage = record.first_stage;
    plan.end_stage = record.end_stage;
    plan.partition = record.partition;
    plan.ranks = record.ranks;
    plan.nodes = record.nodes;
    plan.ranks_per_node = record.ranks_per_node;
    plan.threads_per_rank = record.threads_per_rank;
    plan.gpus_per_node = record.gpus_per_node;
    plan.gpu_type = record.gpu_type;
    plan.paid_gpus = record.paid_gpus;
    plan.paid_cores = record.paid_cores;
    plan.time_limit_s = record.time_limit_s;
    return plan;
}

std::int64_t warning_seconds(const RunDirectory& run, std::int64_t time_limit_s) {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(run.metrics(), ignored);
    std::uint64_t offset = !ignored && size > kMetricsTail ? size - kMetricsTail : 0;
    double step = 0;
    double save = 0;
    for (const Json& line : read_json_lines(run.metrics(), offset)) {
        step = std::max(step, number_of(line, "timing_s/step"));
        save = std::max(save, number_of(line, "timing_s/save"));
    }
    const bool measured = step > 0 && save > 0;
    const double longest = std::min(2 * (step + save), static_cast<double>(kMostWarningSeconds));
    const auto needed = static_cast<std::int64_t>(longest) + 1 + kSignalSlackSeconds;
    // The ranks mind the limit themselves. This is for the case that they cannot, and as it may
    // come a minute early, it must not end short jobs soon after their start.
    const std::int64_t most =
        std::clamp(time_limit_s / 10, kLeastWarningSeconds, kMostWarningSeconds);
    return std::min(measured ? needed : kUnmeasuredWarningSeconds, most);
}

}  // namespace r1
