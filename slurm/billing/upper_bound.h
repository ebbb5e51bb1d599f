// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "slurm/billing/bill.h"
#include "slurm/plan.h"

namespace r1 {

/// What one attempt of the job comes to when it starts at `start_ms` and runs to its time limit.
/// `prices` are those frozen into the run.
Bill upper_bound(const JobPlan& plan, const CostSection& prices, std::int64_t start_ms);

}  // namespace r1
