// SPDX-License-Identifier: Apache-2.0
#include "cli/spent.h"

#include <exception>
#include <nlohmann/json.hpp>
#include <optional>

#include "slurm/billing/ledger.h"

namespace r1::cli {

namespace {

bool has_ended(RunState state) {
    return state == RunState::kCompleted || state == RunState::kStopped ||
           state == RunState::kFailed;
}

/// nullopt where the summary is not of the run's last end, or of another version.
std::optional<Json> settled_usage(const RunView& view) {
    if (!has_ended(view.state)) return std::nullopt;
    try {
        const std::optional<Json> summary = read_record(view.run.summary(), 1);
        if (!summary || summary->value("attempt", 0) != view.run.newest_attempt() ||
            summary->value("state", "") != to_string(view.state))
            return std::nullopt;
        const Json& usage = summary->at("usage");
        const bool settled = usage.contains("unpriced") && !usage.at("provisional").get<bool>();
        return settled ? std::optional(usage) : std::nullopt;
    } catch (const std::exception&) {
        return std::nullopt;  // damaged: the records are the truth
    }
}

}  // namespace

std::string spent_text(const Bill& bill) {
    std::string text = bill.gpu_ms > 0 ? hours_text(bill.gpu_ms) + " GPU-hours"
                                       : hours_text(bill.core_ms) + " core-hours";
    if (!bill.cost.empty()) text += ", " + r1::cost_text(bill);
    return text;
}

Json usage_of(const RunView& view, std::int64_t now_ms) {
    if (const std::optional<Json> usage = settled_usage(view)) return *usage;
    std::vector<QueuedJob> queue;
    if (view.queued) queue.push_back(*view.queued);
    return bill_json(bill_of(charges_of(view.run, now_ms, queue)));
}

std::string cost_text(const Json& usage) {
    std::string text;
    for (const auto& [currency, amount] : usage.at("cost").items())
        text += (text.empty() ? "" : " + ") + amount.get<std::string>() + " " + currency;
    if (usage.at("unpriced").get<bool>()) text += text.empty() ? "unpriced" : " + unpriced";
    return text.empty() ? "0.00" : text;
}

}  // namespace r1::cli
