// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "slurm/scheduler.h"

namespace r1 {

/// sbatch with `mode`, "--parsable" or "--test-only", for this request.
std::vector<std::string> sbatch_arguments(const JobRequest& request, const std::string& mode);

/// scancel of one job. A job that has ended, or that the controller has forgotten, is no error.
void cancel_job(const SlurmOptions& options, const JobId& id);

/// Scheduler::submit: queues the job exactly once, or throws Error (kScheduler).
JobId submit_once(const SlurmOptions& options, const JobRequest& request);

}  // namespace r1
