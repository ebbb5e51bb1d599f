// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "common/time.h"
#include "slurm/billing/charge.h"

namespace r1::test {

constexpr std::int64_t kHourMs = 3'600'000;

/// A moment in UTC: "2026-01-31T12:00:00Z".
inline std::int64_t at(const std::string& text) {
    return parse_utc(text).value();
}

inline PriceRow gpu_price(const std::string& name, const std::string& price,
                          const std::string& from = "") {
    PriceRow row;
    row.name = name;
    row.effective_from = from;
    row.currency = "USD";
    row.per_gpu_hour = parse_hourly_price(price);
    return row;
}

inline RateSchedule two_dollars() {
    CostSection prices;
    prices.prices = {gpu_price("two", "2.00")};
    return rates_of(prices, "", "");
}

inline Charge charge_of(std::int64_t gpus, std::int64_t start_ms, std::int64_t end_ms) {
    Charge charge;
    charge.run = "tiny";
    charge.allocated = {gpus, 1, 8, -1};
    charge.start_ms = start_ms;
    charge.end_ms = end_ms;
    charge.pieces = {{Work::kUseful, "rl", start_ms, end_ms}};
    charge.rates = two_dollars();
    return charge;
}

}  // namespace r1::test
