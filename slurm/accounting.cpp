// SPDX-License-Identifier: Apache-2.0
#include "slurm/accounting.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "checkpoint/attempt.h"
#include "common/time.h"

namespace r1 {

namespace {

/// The newest "time_ms" of a file of JSON lines, within [from, before).
std::int64_t newest_time(const std::filesystem::path& file, std::int64_t from,
                         std::int64_t before) {
    std::int64_t newest = from;
    std::uint64_t offset = 0;
    for (const Json& line : read_json_lines(file, offset)) {
        const auto time = line.find("time_ms");
        if (time == line.end() || !time->is_number_integer()) continue;
        const auto value = time->get<std::int64_t>();
        if (value < before) newest = std::max(newest, value);
    }
    return newest;
}

/// In order. Looks at the folders that are there: a number alone may be anything.
std::vector<AttemptRecord> read_attempts(const RunDirectory& run) {
    std::vector<AttemptRecord> records;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(run.attempts(), ignored)) {
        const std::string name = entry.path().filename().string();
        int number = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
        if (parsed.ec != std::errc{} || number < 1 || name != std::to_string(number)) continue;
        if (const auto record = read_attempt(run, number)) records.push_back(*record);
    }
    std::sort(records.begin(), records.end(),
              [](const AttemptRecord& a, const AttemptRecord& b) { return a.number < b.number; });
    return records;
}

std::int64_t inferred_end(const RunDirectory& run, const AttemptRecord& attempt,
                          std::int64_t before) {
    const std::optional<OutcomeRecord> outcome = read_outcome(run, attempt.number);
    if (outcome) return std::max(attempt.start_ms, outcome->end_ms);
    return std::max(newest_time(run.metrics(), attempt.start_ms, before),
                    newest_time(run.evaluations(), attempt.start_ms, before));
}

std::string counted(std::int64_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string price_text(const HourlyPrice& price, const std::string& device) {
    return to_string(price) + "/" + device + "-hour";
}

std::string cost_text(const Usage& usage, const CostSection& prices) {
    const std::optional<Money> cost = cost_of(usage, prices);
    if (!cost) return "cost unpriced";
    std::string text = "cost " + cost->to_string() + " " + prices.currency + " at ";
    if (usage.gpu_milliseconds > 0) text += price_text(*prices.price_per_gpu_hour, "GPU");
    if (usage.gpu_milliseconds > 0 && prices.price_per_core_hour) text += " and ";
    if (prices.price_per_core_hour) text += price_text(*prices.price_per_core_hour, "core");
    return text;
}

Json price_json(const std::optional<HourlyPrice>& price) {
    return price ? Json(to_string(*price)) : Json(nullptr);
}

}  // namespace

Usage usage_of(const RunDirectory& run) {
    const std::vector<AttemptRecord> records = read_attempts(run);
    const std::int64_t now = utc_milliseconds();
    Usage usage;
    for (std::size_t i = 0; i < records.size(); ++i) {
        const AttemptRecord& record = records[i];
        const bool newest = i + 1 == records.size();
        std::int64_t end = now;
        if (record.end_ms) {
            end = *record.end_ms;
        } else {
            usage.provisional = true;
            if (!newest || state_of(run) != RunState::kRunning)
                end = inferred_end(run, record, newest ? now : records[i + 1].start_ms);
        }
        const std::int64_t wall = std::max<std::int64_t>(0, end - record.start_ms);
        usage.wall_milliseconds += wall;
        usage.gpu_milliseconds += record.gpus * wall;
        usage.core_milliseconds += record.ranks * record.threads_per_rank * wall;
        usage.ranks = usage.attempts == 0 || usage.ranks == record.ranks ? record.ranks : 0;
        usage.gpus = usage.attempts == 0 || usage.gpus == record.gpus ? record.gpus : 0;
        ++usage.attempts;
    }
    return usage;
}

std::optional<Money> cost_of(const Usage& usage, const CostSection& prices) {
    const bool used_gpus = usage.gpu_milliseconds > 0;
    if (used_gpus ? !prices.price_per_gpu_hour : !prices.price_per_core_hour) return std::nullopt;
    Money cost;
    if (used_gpus) cost += Money::of(*prices.price_per_gpu_hour, usage.gpu_milliseconds);
    if (prices.price_per_core_hour)
        cost += Money::of(*prices.price_per_core_hour, usage.core_milliseconds);
    return cost;
}

std::string hours_text(std::int64_t device_milliseconds) {
    constexpr std::int64_t kHundredth = 36'000;  // milliseconds in a hundredth of an hour
    const std::int64_t hundredths = device_milliseconds / kHundredth +
                                    (device_milliseconds % kHundredth >= kHundredth / 2 ? 1 : 0);
    const std::string cents = std::to_string(hundredths % 100);
    return std::to_string(hundredths / 100) + (cents.size() == 1 ? ".0" : ".") + cents;
}

std::string bill_text(const Usage& usage, const CostSection& prices) {
    std::string text = "usage: ";
    if (usage.attempts > 1) text += counted(usage.attempts, "attempt") + ", ";
    if (usage.gpus > 0)
        text += counted(usage.gpus, "GPU") + " x ";
    else if (usage.ranks > 0)
        text += counted(usage.ranks, "rank") + " x ";
    text += short_duration(static_cast<double>(usage.wall_milliseconds) / 1000);
    text += " = " + hours_text(usage.core_milliseconds) + " core-hours, " +
            hours_text(usage.gpu_milliseconds) + " GPU-hours, " + cost_text(usage, prices);
    return text + (usage.provisional ? " (provisional)" : "");
}

Json bill_json(const Usage& usage, const CostSection& prices) {
    const std::optional<Money> cost = cost_of(usage, prices);
    return Json{{"attempts", usage.attempts},
                {"wall_ms", usage.wall_milliseconds},
                {"gpu_ms", usage.gpu_milliseconds},
                {"core_ms", usage.core_milliseconds},
                {"gpu_hours", hours_text(usage.gpu_milliseconds)},
                {"core_hours", hours_text(usage.core_milliseconds)},
                {"currency", prices.currency},
                {"price_per_gpu_hour", price_json(prices.price_per_gpu_hour)},
                {"price_per_core_hour", price_json(prices.price_per_core_hour)},
                {"cost", cost ? Json(cost->to_string()) : Json(nullptr)},
                {"provisional", usage.provisional}};
}

}  // namespace r1
