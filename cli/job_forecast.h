// SPDX-License-Identifier: Apache-2.0
// What each job of a plan will take and cost, as `plan` and `submit` print it.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "slurm/billing/bill.h"
#include "slurm/forecast/calibration.h"
#include "slurm/plan.h"

namespace r1::cli {

struct JobForecast {
    JobPlan plan;
    Recipe recipe;              ///< with the job's stages alone
    RunForecast run;            ///< of those stages
    Bill expected;              ///< of all attempts that it takes
    Bill bound;                 ///< of one attempt at its time limit; empty without a limit
    std::int64_t attempts = 1;  ///< by the time limit; 0: it leaves no time for a step
    std::string misfit;         ///< empty: every stage fits
};

/// What is known besides the recipe and its jobs.
struct ForecastWishes {
    std::string hardware;  ///< type of GPU, or "cpu", in the place of the plan's; empty: the plan's
    std::optional<Calibration> calibration;
};

/// The jobs that `run` starts here, without a cluster: one for each group of stages with equal
/// resources. `gpus`: a rank has a GPU each.
std::vector<JobPlan> local_plans(const Recipe& recipe, bool gpus);

/// `recipe.cost` holds the frozen prices. Throws Error (kUsage) for a type of GPU that is not
/// known, and for a calibration from another kind of device.
std::vector<JobForecast> forecast_jobs(const Recipe& recipe, const std::vector<JobPlan>& plans,
                                       const ForecastWishes& wishes);

/// "expected: 3h12m, 512.00 GPU-hours, 1024.00 USD", and what does not fit: some lines, of all jobs
/// together.
void print_forecast(const std::vector<JobForecast>& jobs, std::ostream& out);

/// The same for `submit`, which goes on where nothing can be foreseen and says why.
void print_forecast(const Recipe& recipe, const std::vector<JobPlan>& plans, std::ostream& out);

}  // namespace r1::cli
