// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/budget.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "tests/common/message_of.h"
#include "tests/slurm/billing/charge_fixture.h"

namespace r1 {
namespace {

using test::at;
using test::gpu_price;
using test::kHourMs;

constexpr Allocation kFour{4, 1, 16, -1};

Money money(const std::string& text) {
    return Money::of(parse_amount(text));
}

CostSection with_budget(const std::string& budget) {
    CostSection prices;
    prices.currency = "USD";
    prices.budget = parse_amount(budget);
    prices.prices = {gpu_price("two", "2.00")};
    return prices;
}

Bill spent(const std::string& amount) {
    Bill bill;
    bill.cost["USD"] = money(amount);
    return bill;
}

BudgetEnd end_of(const CostSection& prices, const Bill& so_far) {
    return budget_end(prices, so_far, rates_of(prices, "", ""), kFour, 0).value();
}

TEST(MomentSpent, IsWhenTheLastCentIsUsed) {
    const RateSchedule rates = rates_of(with_budget("1"), "", "");
    EXPECT_EQ(moment_spent(rates, kFour, money("12"), at("2026-01-01")),
              at("2026-01-01T01:30:00Z"));
    EXPECT_EQ(moment_spent(rates, kFour, Money{}, 7), 7);
}

TEST(MomentSpent, HeedsThePricesToCome) {
    CostSection prices;
    prices.prices = {gpu_price("free", "0"), gpu_price("cheap", "1", "2026-01-02"),
                     gpu_price("dear", "2", "2026-01-03")};
    const RateSchedule rates = rates_of(prices, "", "");
    // Nothing on the 1st, 96 on the 2nd, and 8 an hour from then on.
    EXPECT_EQ(moment_spent(rates, kFour, money("112"), at("2026-01-01")),
              at("2026-01-03T02:00:00Z"));
    EXPECT_EQ(moment_spent(rates, kFour, money("4"), at("2026-01-01")), at("2026-01-02T01:00:00Z"));
}

TEST(MomentSpent, NeverWhereItIsFreeOrUnpriced) {
    CostSection free;
    free.prices = {gpu_price("free", "0")};
    EXPECT_FALSE(moment_spent(rates_of(free, "", ""), kFour, money("1"), 0));
    EXPECT_FALSE(moment_spent({}, kFour, money("1"), 0));
}

TEST(BudgetEnd, WithoutABudgetThereIsNone) {
    CostSection prices = with_budget("1");
    prices.budget.reset();
    EXPECT_FALSE(budget_end(prices, {}, {}, kFour, 0));
}

TEST(BudgetEnd, CountsWhatEarlierAttemptsCost) {
    const BudgetEnd fresh = end_of(with_budget("16"), {});
    EXPECT_EQ(fresh.end_ms, 2 * kHourMs);
    EXPECT_EQ(fresh.warning_ms, 2 * kHourMs * 4 / 5);
    const BudgetEnd later = end_of(with_budget("16"), spent("14"));
    EXPECT_EQ(later.end_ms, kHourMs / 4);
    EXPECT_EQ(later.warning_ms, 0);
}

TEST(BudgetEnd, RefusesWhenNothingIsLeft) {
    try {
        end_of(with_budget("16"), spent("16"));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kBudget);
        EXPECT_STREQ(error.what(), "the run's budget is used up: 16.00 of 16.00 USD (cost.budget)");
    }
}

TEST(BudgetEnd, RefusesWhatItCannotCount) {
    CostSection euros = with_budget("16");
    euros.prices[0].currency = "EUR";
    EXPECT_NE(message_of([&] { end_of(euros, {}); }).find("the price 'two' is in EUR"),
              std::string::npos);
    CostSection none = with_budget("16");
    none.prices.clear();
    EXPECT_NE(message_of([&] { end_of(none, {}); }).find("is not known"), std::string::npos);
}

TEST(BudgetCheck, AddsWhatRunsAndWaits) {
    BudgetCheck check{"cost.budget", "USD", money("20"), money("12"), money("4"), money("4")};
    EXPECT_FALSE(check.exceeded());
    EXPECT_TRUE(check.is_near());
    check.wanted = money("4.000001");
    EXPECT_TRUE(check.exceeded());
    EXPECT_EQ(budget_text(check),
              "cost.budget: 12.00 spent + 4.00 committed + 4.00 for this = 20.00 of 20.00 USD");
    check = {"cost.budget", "USD", money("20"), money("12"), money("0"), money("3.999999")};
    EXPECT_FALSE(check.is_near());
    check.wanted = money("4");
    EXPECT_TRUE(check.is_near());
}

}  // namespace
}  // namespace r1
