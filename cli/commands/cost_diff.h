// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/commands/cost.h"

namespace r1::cli {

/// Two bills beside each other, and what differs between the runs that could be why.
int print_cost_diff(const CostOptions& options, const CostQuestion& question, Context& context);

}  // namespace r1::cli
