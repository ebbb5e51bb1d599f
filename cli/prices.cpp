// SPDX-License-Identifier: Apache-2.0
#include "cli/prices.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "common/error.h"
#include "common/json.h"
#include "recipes/load.h"

namespace r1::cli {

namespace {

std::optional<HourlyPrice> price_in(const Json& bill, const char* name) {
    const Json& price = bill.at(name);
    if (price.is_null()) return std::nullopt;
    return parse_hourly_price(price.get<std::string>());
}

/// nullopt where there is no summary yet, or it does not say.
std::optional<CostSection> prices_in_summary(const RunDirectory& run) {
    try {
        const std::optional<Json> summary = read_record(run.summary(), 1);
        if (!summary) return std::nullopt;
        const Json& bill = summary->at("usage");
        return CostSection{bill.at("currency").get<std::string>(),
                           price_in(bill, "price_per_gpu_hour"),
                           price_in(bill, "price_per_core_hour")};
    } catch (const std::exception&) {
        return std::nullopt;  // damaged: the recipe is the truth
    }
}

}  // namespace

CostSection prices_of(const RunDirectory& run) {
    if (const auto prices = prices_in_summary(run)) return *prices;
    return load_recipe(run.recipe()).cost;
}

std::string spent_text(const Usage& usage, const CostSection& prices) {
    const bool gpus = usage.gpu_milliseconds > 0;
    std::string text = gpus ? hours_text(usage.gpu_milliseconds) + " GPU-hours"
                            : hours_text(usage.core_milliseconds) + " core-hours";
    const auto cost = cost_of(usage, prices);
    if (cost) text += ", " + cost->to_string() + " " + prices.currency;
    return text;
}

}  // namespace r1::cli
