// SPDX-License-Identifier: Apache-2.0
// What `submit`, `resume` and the job script's epilogue share.
#pragma once

#include <vector>

#include "cli/context.h"
#include "slurm/submission.h"

namespace r1::cli {

/// With this program and its rank program by their absolute paths, and the PATH and LD_LIBRARY_PATH
/// of this process, which the job is given.
Submission make_submission(const RunDirectory& run, Recipe recipe, ClusterProfile profile);

/// The same for a run that has been submitted before, from the recipe and the profile that it
/// keeps.
Submission load_submission(const RunDirectory& run);

/// What each job asks for, and the most that it costs: a line a job.
void print_plans(const std::vector<JobPlan>& plans, const Recipe& recipe, std::ostream& out);

/// The run's id, its jobs, and the next commands to type.
void print_jobs(const RunDirectory& run, const std::vector<JobRecord>& jobs, std::ostream& out);

}  // namespace r1::cli
