// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "checkpoint/run_directory.h"
#include "recipes/recipe.h"
#include "slurm/accounting.h"

namespace r1::cli {

/// The prices frozen into a run: from the bill in its summary, which is quick to read, or from its
/// recipe. Throws Error when neither can be read.
CostSection prices_of(const RunDirectory& run);

/// "0.02 core-hours, 0.01 USD": what a run has used and cost, for its progress line.
std::string spent_text(const Usage& usage, const CostSection& prices);

}  // namespace r1::cli
