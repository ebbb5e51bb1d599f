// SPDX-License-Identifier: Apache-2.0
// Records of the jobs that a run was given to Slurm as: jobs/<n>.json, written before sbatch is
// called and again when the job's id is known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/run_directory.h"

namespace r1 {

struct JobRecord {
    int number = 0;
    std::string comment;              ///< unique for ever to this submission: "<run-id>/2"
    std::int64_t submit_ms = 0;       ///< just before sbatch was called, by this host's clock
    std::optional<std::int64_t> job;  ///< Slurm's id; absent: sbatch has not answered yet
    std::string cluster;              ///< of a federation
    std::string partition;
    std::size_t first_stage = 0;
    std::size_t end_stage = 0;  ///< one past the last that it trains
    std::int64_t ranks = 0;
    std::int64_t nodes = 0;
    std::int64_t ranks_per_node = 0;
    std::int64_t threads_per_rank = 0;
    std::int64_t gpus_per_node = 0;
    std::string gpu_type;
    std::int64_t paid_gpus = 0;
    std::int64_t paid_cores = 0;
    std::int64_t time_limit_s = 0;
    std::vector<std::string> after_runs;  ///< ids of runs that must be completed before it begins
    std::string problem;                  ///< why it was not queued, when sbatch refused it
};

void write_job(const RunDirectory& run, const JobRecord& record);
/// Throws Error when the record is damaged.
std::optional<JobRecord> read_job(const RunDirectory& run, int number);
/// In order.
std::vector<JobRecord> read_jobs(const RunDirectory& run);

/// A user's wish that a run stops and does not go on: cancel.json. The job's script heeds it, also
/// when the job that is signalled has ended meanwhile and another one starts.
void request_cancel(const RunDirectory& run);
bool cancel_requested(const RunDirectory& run);
/// Taken back by resume.
void withdraw_cancel(const RunDirectory& run);

}  // namespace r1
