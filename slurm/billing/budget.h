// SPDX-License-Identifier: Apache-2.0
// Bounds of what runs may cost: of one run (cost.budget), and of a user or an account (budgets of a
// cluster file).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "slurm/billing/bill.h"

namespace r1 {

/// When an allocation that is paid for from `start_ms` on has cost `amount`. nullopt: never, or it
/// cannot be told, where it has no price from some moment on.
std::optional<std::int64_t> moment_spent(const RateSchedule& rates, const Allocation& allocated,
                                         Money amount, std::int64_t start_ms);

/// What is left of a run's budget, and for how long it pays an attempt.
struct BudgetEnd {
    std::optional<std::int64_t> end_ms;      ///< all of it is spent then; nullopt: never
    std::optional<std::int64_t> warning_ms;  ///< 80% of it is spent then
};
/// For an attempt that begins at `start_ms`, after `so_far` was spent. nullopt without a budget.
/// Throws Error: kBudget when nothing is left; kUsage when the prices that hold are not known, or
/// in another currency than the budget.
std::optional<BudgetEnd> budget_end(const CostSection& prices, const Bill& so_far,
                                    const RateSchedule& rates, const Allocation& allocated,
                                    std::int64_t start_ms);

/// One bound, and what would be spent of it.
struct BudgetCheck {
    std::string name;  ///< "cost.budget", "budget ada-2026 of cluster east"
    std::string currency;
    Money amount;
    Money spent;      ///< what there was so far
    Money committed;  ///< what runs and waits, until its time limits
    Money wanted;     ///< what is to be queued, until its time limits
    bool exceeded() const;
    /// All but a fifth is spent.
    bool is_near() const;
};
/// "cost.budget: 12.00 USD spent + 0.00 committed + 16.00 for this = 28.00 of 20.00 USD".
std::string budget_text(const BudgetCheck& check);

}  // namespace r1
