// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <vector>

#include "slurm/billing/cost_answer.h"

namespace r1::cli {

/// The bill of charges, line by line: so that it can be done by hand from what sacct says. Only
/// of the question's time, user and account.
void explain_cost(const std::vector<Charge>& charges, const CostQuestion& question,
                  std::ostream& out);

}  // namespace r1::cli
