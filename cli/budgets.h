// SPDX-License-Identifier: Apache-2.0
// The bounds of what runs may cost, where runs begin.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <vector>

#include "checkpoint/attempt.h"
#include "cli/context.h"
#include "slurm/billing/charge.h"
#include "slurm/plan.h"
#include "slurm/submission.h"

namespace r1::cli {

/// What a run on this machine pays for. With `device: auto` its ranks tell later whether they took
/// GPUs.
Allocation local_allocation(const Recipe& recipe);

/// Writes into an attempt that begins until when the run's budget pays for it, from its start on.
/// Throws Error: kBudget when it is used up; kUsage when costs and budget cannot be compared.
void set_budget_end(const RunDirectory& run, const CostSection& prices, const Allocation& allocated,
                    AttemptRecord& attempt);

/// Before a run is queued, or queued again: its own budget, and those of the cluster file that
/// count its user or its account. Throws Error (kBudget) with the figures when what was spent,
/// runs, waits and is to be queued, each until its time limit, would exceed one; a warning at 80%.
void refuse_over_budget(const Submission& submission, const std::vector<JobPlan>& plans,
                        Scheduler& scheduler, Context& context);

}  // namespace r1::cli
