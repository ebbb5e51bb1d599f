// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "common/json.h"
#include "slurm/billing/bill.h"
#include "slurm/run_view.h"

namespace r1::cli {

/// "0.02 core-hours, 0.01 USD": what a run has used and cost, for its progress line. Without a
/// price the cost is left out.
std::string spent_text(const Bill& bill);

/// The bill of a run up to now, as bill_json(). Of a run that has ended and was not started again
/// since, it is the one in its summary, which is quick to read. Throws Error when neither that nor
/// the records can be read.
Json usage_of(const RunView& view, std::int64_t now_ms);

/// As cost_text() of the bill that it was made from.
std::string cost_text(const Json& usage);

}  // namespace r1::cli
