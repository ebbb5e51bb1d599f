// SPDX-License-Identifier: Apache-2.0
// Sums of segments. Time is whole milliseconds × devices and money is fixed-point, so that sums do
// not depend on their order and never round; only what is printed is rounded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/money.h"
#include "slurm/billing/charge.h"

namespace r1 {

struct Bill {
    std::int64_t attempts = 0;
    std::int64_t wall_ms = 0;
    std::int64_t gpu_ms = 0;
    std::int64_t core_ms = 0;
    std::int64_t node_ms = 0;
    std::int64_t billing_ms = 0;
    // Of gpu_ms, and of core_ms where there are no GPUs.
    std::int64_t useful_ms = 0;
    std::int64_t lost_ms = 0;
    std::int64_t overhead_ms = 0;
    std::int64_t suspended_ms = 0;
    std::map<std::string, Money> cost;  ///< by currency: amounts in two are never added
    bool unpriced = false;              ///< something in it has no price; `cost` is the rest
    bool provisional = false;

    Bill& operator+=(const Bill& other);
};

/// Whether the rate prices such an allocation: one with GPUs needs a price of a GPU, a node or a
/// billing unit; one without needs any.
bool prices_all(const Rate& rate, const Allocation& allocated);

/// What `milliseconds` of an allocation cost at a rate.
Money cost_of(const Rate& rate, const Allocation& allocated, std::int64_t milliseconds);

/// Of what a charge has in [since_ms, until_ms). The attempt is counted where it starts in it.
/// Suspended time of a charge that is cut by the window is counted in proportion.
Bill bill_of(const Charge& charge, std::int64_t since_ms, std::int64_t until_ms);
Bill bill_of(const Charge& charge);
Bill bill_of(const std::vector<Charge>& charges);

/// "1.98", "147000.00": hours rounded half up to two decimals, for display only.
std::string hours_text(std::int64_t device_milliseconds);

/// "12.40 USD", "12.40 USD + 3.00 EUR", "unpriced", "12.40 USD + unpriced".
std::string cost_text(const Bill& bill);

/// "usage: 3 attempts, 2h01m = 16.13 GPU-hours (91% useful, 6% lost), 32.27 USD".
std::string bill_text(const Bill& bill);

/// Schema of `usage` in summary.json and of rows of `cost --json`: decimal text for hours and
/// amounts, "cost" by currency, null where all is unpriced.
Json bill_json(const Bill& bill);

}  // namespace r1
