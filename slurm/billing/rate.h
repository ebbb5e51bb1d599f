// SPDX-License-Identifier: Apache-2.0
// Prices as they hold over time. A run's are frozen into its recipe when it is submitted, so that
// what is written into a cluster file later changes no bill.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/money.h"
#include "recipes/recipe.h"
#include "slurm/profile.h"

namespace r1 {

/// What is paid for an hour of each thing. What has a price is added. A rate without any says that
/// the price is not known from here on.
struct Rate {
    std::string name;  ///< of its row: "h800-2026"; "recipe" for the recipe's own keys
    std::string currency;
    std::optional<HourlyPrice> per_gpu_hour;
    std::optional<HourlyPrice> per_core_hour;
    std::optional<HourlyPrice> per_node_hour;
    std::optional<HourlyPrice> per_billing_hour;
    friend bool operator==(const Rate&, const Rate&) = default;
};

/// "per_gpu", "per_gpu+per_core", "billing"; "-" for a rate without a price.
std::string basis_text(const Rate& rate);
/// "2.00/GPU-hour + 0.01/core-hour".
std::string price_text(const Rate& rate);

struct RatePeriod {
    std::int64_t from_ms = 0;  ///< UTC; the lowest number there is for "always"
    Rate rate;
    friend bool operator==(const RatePeriod&, const RatePeriod&) = default;
};
/// By time. Before the first period, and where it is empty, use is unpriced.
using RateSchedule = std::vector<RatePeriod>;

/// What holds for jobs of one partition with one type of GPU ("" where it is not known: then rows
/// that name a type do not apply). The recipe's own price_per_* keys go before every row. Of rows
/// that apply at a moment, one that names the partition goes before one that names the type, and
/// that before one that names neither; of equals the one that began last.
RateSchedule rates_of(const CostSection& prices, std::string_view partition,
                      std::string_view gpu_type);

/// What is frozen into a run: the recipe's section, and where that has no price the cluster's rows,
/// its partitions' prices among them as rows of their own. Every row has its currency.
CostSection frozen_prices(const CostSection& recipe, const ClusterProfile& profile);

/// The section with the currency written into every row.
CostSection with_currencies(CostSection prices);

}  // namespace r1
