// SPDX-License-Identifier: Apache-2.0
// Turns a run's plan into queued jobs, and looks at a cluster before that is done.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/job.h"
#include "slurm/job_script.h"
#include "slurm/scheduler.h"

namespace r1 {

/// A run that is about to be queued, or queued again.
struct Submission {
    RunDirectory run;
    Recipe recipe;
    ClusterProfile profile;
    std::filesystem::path r1ctl;
    std::filesystem::path rank_program;
    std::map<std::string, std::string> environment;
};

struct SubmissionWishes {
    bool hold = false;
    std::vector<std::int64_t> after;      ///< jobs; the first job of the plan waits for them
    std::vector<std::string> after_runs;  ///< runs that must be completed before it begins
    std::vector<std::string> excluded;    ///< nodes
};

/// What the script of the run's n-th job follows from, and what sbatch would be told.
JobPlace place_of(const Submission& submission, int number);
JobRequest job_request(const Submission& submission, const JobPlan& plan, int number,
                       const SubmitWishes& wishes);

/// Queues one job a plan, each after the one before it. For each the script and the record
/// are written before sbatch is called, and the record again after it, so that a job of a killed
/// call can be found. When sbatch refuses one, those queued by this call are cancelled, and Error
/// (kScheduler) says why.
std::vector<JobRecord> submit_jobs(const Submission& submission, const std::vector<JobPlan>& plans,
                                   const SubmissionWishes& wishes, Scheduler& scheduler);

/// The plan that a record was made from.
JobPlan plan_of(const JobRecord& record);

/// The time before the limit at which Slurm signals the ranks: what this run's longest step and
/// longest save took, or a share of the limit while neither has been measured.
std::int64_t warning_seconds(const RunDirectory& run, std::int64_t time_limit_s);

}  // namespace r1
