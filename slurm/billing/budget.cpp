// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/budget.h"

#include <algorithm>
#include <limits>

#include "common/error.h"

namespace r1 {

namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kEndless = std::numeric_limits<std::int64_t>::max();

Amount four_fifths(Amount amount) {
    return {amount.micros / 5 * 4 + amount.micros % 5 * 4 / 5};
}

/// Throws Error when an attempt's cost cannot be held against the budget.
void check_prices(const CostSection& prices, const RateSchedule& rates, const Allocation& allocated,
                  std::int64_t start_ms) {
    const std::string budget =
        "cost.budget is " + to_string(*prices.budget) + " " + prices.currency + ", and ";
    const RatePeriod* first = nullptr;
    for (const RatePeriod& period : rates) {
        if (period.from_ms <= start_ms) first = &period;
        if (period.rate.currency != prices.currency)
            throw Error(ExitCode::kUsage, budget + "the price '" + period.rate.name + "' is in " +
                                              period.rate.currency +
                                              "; set cost.currency to that, and the budget in it");
    }
    if (first == nullptr || !prices_all(first->rate, allocated))
        throw Error(ExitCode::kUsage,
                    budget +
                        "what this run costs is not known; add a price to the cluster file, set "
                        "cost.price_per_gpu_hour (or _core_hour), or leave the budget out");
}

}  // namespace

std::optional<std::int64_t> moment_spent(const RateSchedule& rates, const Allocation& allocated,
                                         Money amount, std::int64_t start_ms) {
    for (std::size_t i = 0; i < rates.size(); ++i) {
        const std::int64_t end = i + 1 < rates.size() ? rates[i + 1].from_ms : kEndless;
        if (end <= start_ms) continue;
        const std::int64_t begin = std::max(start_ms, rates[i].from_ms);
        if (!prices_all(rates[i].rate, allocated)) return std::nullopt;
        const Money hourly = cost_of(rates[i].rate, allocated, kHourMs);
        if (hourly == Money{}) continue;
        const std::int64_t paid = amount.milliseconds_at(hourly);
        if (paid <= end - begin) return begin > kEndless - paid ? kEndless : begin + paid;
        amount -= cost_of(rates[i].rate, allocated, end - begin);
    }
    return std::nullopt;
}

std::optional<BudgetEnd> budget_end(const CostSection& prices, const Bill& so_far,
                                    const RateSchedule& rates, const Allocation& allocated,
                                    std::int64_t start_ms) {
    if (!prices.budget) return std::nullopt;
    check_prices(prices, rates, allocated, start_ms);
    const auto found = so_far.cost.find(prices.currency);
    const Money spent = found != so_far.cost.end() ? found->second : Money{};
    Money left = Money::of(*prices.budget);
    left -= spent;
    if (left <= Money{})
        throw Error(ExitCode::kBudget, "the run's budget is used up: " + spent.to_string() +
                                           " of " + to_string(*prices.budget) + " " +
                                           prices.currency + " (cost.budget)");
    Money until_warning = Money::of(four_fifths(*prices.budget));
    until_warning -= spent;
    return BudgetEnd{moment_spent(rates, allocated, left, start_ms),
                     moment_spent(rates, allocated, until_warning, start_ms)};
}

bool BudgetCheck::exceeded() const {
    Money sum = spent;
    sum += committed;
    sum += wanted;
    return sum > amount;
}

bool BudgetCheck::is_near() const {
    Money fivefold;  // of what would be spent, against four of the amount: nothing is rounded
    Money fourfold;
    for (int i = 0; i < 5; ++i)
        for (const Money& part : {spent, committed, wanted}) fivefold += part;
    for (int i = 0; i < 4; ++i) fourfold += amount;
    return fivefold >= fourfold;
}

std::string budget_text(const BudgetCheck& check) {
    Money sum = check.spent;
    sum += check.committed;
    sum += check.wanted;
    return check.name + ": " + check.spent.to_string() + " spent + " + check.committed.to_string() +
           " committed + " + check.wanted.to_string() + " for this = " + sum.to_string() + " of " +
           check.amount.to_string() + " " + check.currency;
}

}  // namespace r1
