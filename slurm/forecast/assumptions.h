// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "slurm/forecast/forecast.h"

namespace r1 {

/// Every number of a forecast that is neither in the recipe nor measured, a sentence each.
std::vector<std::string> assumptions_of(const Recipe& recipe, const RunForecast& run);

}  // namespace r1
