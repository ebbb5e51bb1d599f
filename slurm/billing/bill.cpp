// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/bill.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/time.h"
#include "slurm/billing/share.h"

namespace r1 {

namespace {

__extension__ using Wide = __int128;

std::int64_t billing_units(const Allocation& allocated) {
    return std::max<std::int64_t>(0, allocated.billing);
}

std::int64_t in_proportion(std::int64_t amount, std::int64_t part, std::int64_t whole) {
    return whole <= 0 ? 0 : static_cast<std::int64_t>(Wide{amount} * part / whole);
}

void add_segment(Bill& bill, const Segment& segment, const Allocation& allocated) {
    const std::int64_t length = segment.end_ms - segment.start_ms;
    const std::int64_t device_ms = devices_of(allocated) * length;
    bill.wall_ms += length;
    bill.gpu_ms += allocated.gpus * length;
    bill.core_ms += allocated.cores * length;
    bill.node_ms += allocated.nodes * length;
    bill.billing_ms += billing_units(allocated) * length;
    if (segment.work == Work::kUseful) bill.useful_ms += device_ms;
    if (segment.work == Work::kLost) bill.lost_ms += device_ms;
    if (segment.work == Work::kOverhead) bill.overhead_ms += device_ms;
    if (segment.rate && prices_all(*segment.rate, allocated))
        bill.cost[segment.rate->currency] += cost_of(*segment.rate, allocated, length);
    else
        bill.unpriced = true;
}

std::string percent_text(std::int64_t part, std::int64_t whole) {
    return std::to_string(in_proportion(100, 2 * part + whole / 100, 2 * whole)) + "%";
}

}  // namespace

Bill& Bill::operator+=(const Bill& other) {
    attempts += other.attempts;
    wall_ms += other.wall_ms;
    gpu_ms += other.gpu_ms;
    core_ms += other.core_ms;
    node_ms += other.node_ms;
    billing_ms += other.billing_ms;
    useful_ms += other.useful_ms;
    lost_ms += other.lost_ms;
    overhead_ms += other.overhead_ms;
    suspended_ms += other.suspended_ms;
    for (const auto& [currency, amount] : other.cost) cost[currency] += amount;
    unpriced = unpriced || other.unpriced;
    provisional = provisional || other.provisional;
    return *this;
}

bool prices_all(const Rate& rate, const Allocation& allocated) {
    const bool billing = rate.per_billing_hour && allocated.billing >= 0;
    const bool nodes = rate.per_node_hour && allocated.nodes > 0;
    if (allocated.gpus > 0) return rate.per_gpu_hour || nodes || billing;
    return rate.per_core_hour || nodes || billing;
}

Money cost_of(const Rate& rate, const Allocation& allocated, std::int64_t milliseconds) {
    Money cost;
    if (rate.per_gpu_hour) cost += Money::of(*rate.per_gpu_hour, allocated.gpus * milliseconds);
    if (rate.per_core_hour) cost += Money::of(*rate.per_core_hour, allocated.cores * milliseconds);
    if (rate.per_node_hour) cost += Money::of(*rate.per_node_hour, allocated.nodes * milliseconds);
    if (rate.per_billing_hour)
        cost += Money::of(*rate.per_billing_hour, billing_units(allocated) * milliseconds);
    return cost;
}

Bill bill_of(const Charge& charge, std::int64_t since_ms, std::int64_t until_ms) {
    Bill bill;
    if (!charge.refused.empty()) return bill;
    if (charge.start_ms >= since_ms && charge.start_ms < until_ms) bill.attempts = 1;
    for (const Segment& segment : segments_of(charge, since_ms, until_ms))
        add_segment(bill, segment, charge.allocated);
    if (bill.wall_ms > 0)
        bill.suspended_ms = share_of(charge.suspended_ms * devices_of(charge.allocated),
                                     std::max(since_ms, charge.start_ms) - charge.start_ms,
                                     std::min(until_ms, charge.end_ms) - charge.start_ms,
                                     charge.end_ms - charge.start_ms);
    bill.provisional = charge.provisional && (bill.attempts > 0 || bill.wall_ms > 0);
    return bill;
}

Bill bill_of(const Charge& charge) {
    return bill_of(charge, std::numeric_limits<std::int64_t>::min(),
                   std::numeric_limits<std::int64_t>::max());
}

Bill bill_of(const std::vector<Charge>& charges) {
    Bill bill;
    for (const Charge& charge : charges) bill += bill_of(charge);
    return bill;
}

std::string hours_text(std::int64_t device_milliseconds) {
    constexpr std::int64_t kHundredth = 36'000;  // milliseconds in a hundredth of an hour
    const std::int64_t hundredths = device_milliseconds / kHundredth +
                                    (device_milliseconds % kHundredth >= kHundredth / 2 ? 1 : 0);
    const std::string cents = std::to_string(hundredths % 100);
    return std::to_string(hundredths / 100) + (cents.size() == 1 ? ".0" : ".") + cents;
}

std::string cost_text(const Bill& bill) {
    std::string text;
    for (const auto& [currency, amount] : bill.cost)
        text += (text.empty() ? "" : " + ") + amount.to_string() + " " + currency;
    if (bill.unpriced) text += text.empty() ? "unpriced" : " + unpriced";
    return text.empty() ? "0.00" : text;
}

std::string bill_text(const Bill& bill) {
    const bool gpus = bill.gpu_ms > 0;
    const std::int64_t devices = gpus ? bill.gpu_ms : bill.core_ms;
    std::string text = "usage: " + std::to_string(bill.attempts) +
                       (bill.attempts == 1 ? " attempt, " : " attempts, ") +
                       short_duration(static_cast<double>(bill.wall_ms) / 1000) + " = " +
                       hours_text(devices) + (gpus ? " GPU-hours" : " core-hours");
    if (devices > 0)
        text += " (" + percent_text(bill.useful_ms, devices) + " useful, " +
                percent_text(bill.lost_ms, devices) + " lost, " +
                percent_text(bill.overhead_ms, devices) + " start-up)";
    return text + ", " + cost_text(bill) + (bill.provisional ? " (provisional)" : "");
}

Json bill_json(const Bill& bill) {
    Json cost(nullptr);
    for (const auto& [currency, amount] : bill.cost) cost[currency] = amount.to_string();
    return Json{{"attempts", bill.attempts},
                {"wall_ms", bill.wall_ms},
                {"gpu_ms", bill.gpu_ms},
                {"core_ms", bill.core_ms},
                {"node_ms", bill.node_ms},
                {"billing_ms", bill.billing_ms},
                {"useful_ms", bill.useful_ms},
                {"lost_ms", bill.lost_ms},
                {"overhead_ms", bill.overhead_ms},
                {"suspended_ms", bill.suspended_ms},
                {"gpu_hours", hours_text(bill.gpu_ms)},
                {"core_hours", hours_text(bill.core_ms)},
                {"cost", cost},
                {"unpriced", bill.unpriced},
                {"provisional", bill.provisional}};
}

}  // namespace r1
