// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "recipes/recipe.h"

namespace r1 {

/// The advantages of one group from its rewards, by a named convention:
///   verl       (r − mean) / (sd + 1e-6), sd with n − 1; a group of one keeps r (mean 0, sd 1)
///   trl        (r − mean) / (sd + 1e-4), sd with n − 1
///   grpo-zero  (r − mean) / (sd + 1e-4), sd with n
///   nemo-rl    mean and sd of the others (leave one out); not divided where that sd is 0
///   dr-grpo    r − mean (Liu et al. 2025)
/// R1 publishes (r − mean) / std without saying which. A group whose rewards are all equal gets 0
/// throughout, and so does a group of one but for verl's rule.
std::vector<double> group_advantages(std::span<const double> rewards, AdvantageKind kind);

}  // namespace r1
