// SPDX-License-Identifier: Apache-2.0
// Where `cost` has its charges from: runs, through the index or not, or what sacct printed.
#pragma once

#include <string>
#include <vector>

#include "cli/commands/cost.h"
#include "slurm/billing/index.h"

namespace r1::cli {

/// The runs that the options name, each once, or all of the folder.
std::vector<RunDirectory> asked_runs(const CostOptions& options);

/// Of the file, at the prices of the cluster file. Throws Error (kUsage).
std::vector<Charge> read_sacct(const CostOptions& options);

/// The answer from jobs that are no runs of ours.
CostAnswer answer_of(const std::vector<Charge>& charges, const CostQuestion& question);

}  // namespace r1::cli
