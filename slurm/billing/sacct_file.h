// SPDX-License-Identifier: Apache-2.0
// Jobs of any kind, from what `sacct` printed: so that a bill can be made, and checked, for jobs
// that r1ctl did not submit.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "recipes/recipe.h"
#include "slurm/billing/charge.h"

namespace r1 {

/// The output of `sacct --duplicates --parsable2 --format=…` with its heading. Needed columns:
/// JobID (or JobIDRaw), Start, End, AllocTRES; used where they are there: JobName, State, User,
/// Account, Cluster, Partition, Suspended, Elapsed, Submit, NNodes, AllocCPUS, ReqTRES. Times are
/// seconds since 1970 (SLURM_TIME_FORMAT=%s), or "2026-11-21T20:26:01" in this machine's zone.
/// Steps
/// ("12.batch") are no jobs; tasks of arrays and parts of heterogeneous jobs are, one each. Jobs
/// that never started cost nothing; jobs without an end run until `now_ms`. Throws Error (kUsage)
/// with file, line and column when something cannot be read.
std::vector<Charge> charges_of_sacct(std::string_view text, const std::filesystem::path& name,
                                     const CostSection& prices, std::int64_t now_ms);

}  // namespace r1
