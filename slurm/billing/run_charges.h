// SPDX-License-Identifier: Apache-2.0
// Charges from records that are in memory. Folder-private.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recipes/recipe.h"
#include "slurm/billing/run_records.h"

namespace r1 {

/// What the frozen recipe says of the bill.
struct Terms {
    std::string recipe;
    CostSection prices;
};
/// Throws Error when the recipe cannot be read.
Terms terms_of(const RunDirectory& run);

/// Pure, but for the nodes' inventories, which are read when a type of GPU is to be found. By the
/// time of their start. `queue` holds jobs of any run. Throws Error when the accounting's record
/// has an allocation that cannot be read.
std::vector<Charge> run_charges(const RunRecords& records, const Terms& terms, std::int64_t now_ms,
                                const std::vector<QueuedJob>& queue);

}  // namespace r1
