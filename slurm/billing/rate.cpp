// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/rate.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "common/text.h"
#include "common/time.h"

namespace r1 {

namespace {

constexpr std::int64_t kAlways = std::numeric_limits<std::int64_t>::min();

std::int64_t begin_of(const PriceRow& row) {
    return parse_utc(row.effective_from).value_or(kAlways);
}

bool has_price(const CostSection& section) {
    return section.price_per_gpu_hour || section.price_per_core_hour || !section.prices.empty();
}

Rate rate_of(const PriceRow& row, const std::string& currency) {
    return {row.name,          row.currency.empty() ? currency : row.currency,
            row.per_gpu_hour,  row.per_core_hour,
            row.per_node_hour, row.per_billing_hour};
}

/// Of rows that apply, the one that goes before all others at a moment; nullptr before the first.
const PriceRow* row_at(const std::vector<const PriceRow*>& rows, std::int64_t moment) {
    const auto rank = [](const PriceRow& row) {
        const int specific = (row.partition.empty() ? 0 : 2) + (row.gpu_type.empty() ? 0 : 1);
        return std::pair(specific, begin_of(row));
    };
    const PriceRow* best = nullptr;
    for (const PriceRow* row : rows)
        if (begin_of(*row) <= moment && (best == nullptr || rank(*row) >= rank(*best))) best = row;
    return best;
}

void add_text(std::string& text, const char* separator, const std::string& more) {
    text += (text.empty() ? "" : separator) + more;
}

template <class Use>
void for_each_price(const Rate& rate, const Use& use) {
    if (rate.per_gpu_hour) use("per_gpu", "GPU", *rate.per_gpu_hour);
    if (rate.per_node_hour) use("per_node", "node", *rate.per_node_hour);
    if (rate.per_billing_hour) use("billing", "billing", *rate.per_billing_hour);
    if (rate.per_core_hour) use("per_core", "core", *rate.per_core_hour);
}

}  // namespace

std::string basis_text(const Rate& rate) {
    std::string text;
    for_each_price(
        rate, [&](const char* basis, const char*, HourlyPrice) { add_text(text, "+", basis); });
    return text.empty() ? "-" : text;
}

std::string price_text(const Rate& rate) {
    std::string text;
    for_each_price(rate, [&](const char*, const char* thing, HourlyPrice price) {
        add_text(text, " + ", to_string(price) + "/" + thing + "-hour");
    });
    return text.empty() ? "unpriced" : text;
}

RateSchedule rates_of(const CostSection& prices, std::string_view partition,
                      std::string_view gpu_type) {
    if (prices.price_per_gpu_hour || prices.price_per_core_hour)
        return {{kAlways,
                 {"recipe", prices.currency, prices.price_per_gpu_hour, prices.price_per_core_hour,
                  std::nullopt, std::nullopt}}};
    std::vector<const PriceRow*> rows;
    std::set<std::int64_t> moments;
    for (const PriceRow& row : prices.prices) {
        if (!row.partition.empty() && row.partition != partition) continue;
        if (!row.gpu_type.empty() && !equal_ignoring_case(row.gpu_type, gpu_type)) continue;
        rows.push_back(&row);
        moments.insert(begin_of(row));
    }
    RateSchedule schedule;
    for (const std::int64_t moment : moments) {
        Rate rate = rate_of(*row_at(rows, moment), prices.currency);
        if (schedule.empty() || schedule.back().rate != rate)
            schedule.push_back({moment, std::move(rate)});
    }
    return schedule;
}

CostSection with_currencies(CostSection prices) {
    for (PriceRow& row : prices.prices)
        if (row.currency.empty()) row.currency = prices.currency;
    return prices;
}

CostSection frozen_prices(const CostSection& recipe, const ClusterProfile& profile) {
    if (has_price(recipe)) return with_currencies(recipe);
    CostSection frozen = recipe;
    for (const PartitionProfile& partition : profile.partitions) {
        if (!partition.price_per_gpu_hour && !partition.price_per_core_hour) continue;
        PriceRow row;
        row.name = "partition " + partition.name;
        row.partition = partition.name;
        row.per_gpu_hour = partition.price_per_gpu_hour;
        row.per_core_hour = partition.price_per_core_hour;
        frozen.prices.push_back(row);
    }
    // Behind those of the partitions: of equals, the later row counts.
    frozen.prices.insert(frozen.prices.end(), profile.prices.begin(), profile.prices.end());
    for (PriceRow& row : frozen.prices)
        if (row.currency.empty()) row.currency = profile.currency;
    return frozen;
}

}  // namespace r1
