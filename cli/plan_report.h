// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <vector>

#include "cli/job_forecast.h"
#include "common/json.h"

namespace r1::cli {

/// Jobs, memory by part, time by phase, the sums, the upper bound, and what is assumed.
void print_plan(const Recipe& recipe, const std::vector<JobForecast>& jobs, std::ostream& out);

/// The same as an object (schema 1): seconds, bytes, and bills as bill_json() has them.
Json plan_json(const Recipe& recipe, const std::vector<JobForecast>& jobs);

}  // namespace r1::cli
