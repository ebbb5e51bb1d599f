// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "slurm/billing/index.h"

namespace r1::cli {

/// What the index asks for: runs by their records, the queue and the accounting. `problems` gets a
/// line for each that cannot be read.
std::vector<ReadRun> read_runs(const std::vector<RunDirectory>& runs, Context& context,
                               std::vector<std::string>& problems);

}  // namespace r1::cli
