// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/bill.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/slurm/billing/charge_fixture.h"

namespace r1 {
namespace {

using test::at;
using test::charge_of;
using test::gpu_price;
using test::kHourMs;

TEST(Bill, R1ZerosHoursAreThePublishedOnes) {
    const Charge charge = charge_of(512, at("2026-01-01"), at("2026-01-01") + 198 * kHourMs);
    const Bill bill = bill_of(charge);
    EXPECT_EQ(hours_text(bill.gpu_ms), "101376.00");
    EXPECT_EQ(cost_text(bill), "202752.00 USD");
    EXPECT_EQ(bill.attempts, 1);
}

TEST(Bill, APriceThatChangesInMidRunIsCutAtItsMoment) {
    CostSection prices;
    prices.prices = {gpu_price("old", "2.00"), gpu_price("new", "2.50", "2026-01-01T00:20:00Z")};
    Charge charge = charge_of(3, at("2026-01-01"), at("2026-01-01") + kHourMs);
    charge.rates = rates_of(prices, "", "");
    EXPECT_EQ(cost_text(bill_of(charge)), "7.00 USD");  // 1 GPU-hour at 2.00 and 2 at 2.50
}

TEST(Bill, CurrenciesAreNeverAdded) {
    Charge euros = charge_of(1, 0, kHourMs);
    euros.rates[0].rate.currency = "EUR";
    const Bill bill = bill_of(std::vector<Charge>{charge_of(1, 0, kHourMs), euros});
    EXPECT_EQ(cost_text(bill), "2.00 EUR + 2.00 USD");
    EXPECT_EQ(bill.gpu_ms, 2 * kHourMs);
}

TEST(Bill, UnpricedIsNotFree) {
    Charge charge = charge_of(1, 0, kHourMs);
    charge.rates.clear();
    EXPECT_EQ(cost_text(bill_of(charge)), "unpriced");
    EXPECT_TRUE(bill_json(bill_of(charge)).at("cost").is_null());
    EXPECT_EQ(cost_text(bill_of(std::vector<Charge>{charge, charge_of(1, 0, kHourMs)})),
              "2.00 USD + unpriced");
}

TEST(Bill, GpusAreNotPricedByCoresAlone) {
    Rate cores;
    cores.per_core_hour = parse_hourly_price("0.10");
    EXPECT_FALSE(prices_all(cores, {8, 1, 64, -1}));
    EXPECT_TRUE(prices_all(cores, {0, 1, 64, -1}));
    Rate gpus;
    gpus.per_gpu_hour = parse_hourly_price("2");
    EXPECT_FALSE(prices_all(gpus, {0, 1, 64, -1}));
    EXPECT_TRUE(prices_all(gpus, {8, 1, 64, -1}));
}

TEST(Bill, EveryBasisIsAdded) {
    Rate rate;
    rate.per_gpu_hour = parse_hourly_price("2");
    rate.per_core_hour = parse_hourly_price("0.01");
    rate.per_node_hour = parse_hourly_price("0.5");
    rate.per_billing_hour = parse_hourly_price("0.001");
    EXPECT_EQ(cost_of(rate, {8, 2, 100, 1000}, kHourMs).to_string(), "19.00");
}

TEST(Bill, BillingNeedsTheUnitsAndAWeightOfNothingIsAPrice) {
    Rate rate;
    rate.per_billing_hour = parse_hourly_price("0.10");
    EXPECT_FALSE(prices_all(rate, {8, 1, 64, -1}));
    EXPECT_TRUE(prices_all(rate, {8, 1, 64, 0}));
    EXPECT_EQ(cost_of(rate, {8, 1, 64, 0}, kHourMs).to_string(), "0.00");
}

TEST(Bill, WindowsThatMeetAddUpToTheWhole) {
    CostSection prices;
    prices.prices = {gpu_price("odd", "1.234567")};
    Charge charge = charge_of(7, 1'001, 987'654'321);
    charge.rates = rates_of(prices, "", "");
    charge.pieces = {{Work::kOverhead, "", 1'001, 50'000},
                     {Work::kUseful, "a", 50'000, 700'000'000}};
    const Bill whole = bill_of(charge);
    for (const std::int64_t cut : {1'002, 49'999, 50'000, 123'456'789, 987'654'320}) {
        Bill sum = bill_of(charge, 0, cut);
        sum += bill_of(charge, cut, 2'000'000'000);
        EXPECT_EQ(sum.gpu_ms, whole.gpu_ms) << cut;
        EXPECT_EQ(sum.useful_ms, whole.useful_ms) << cut;
        EXPECT_EQ(sum.cost, whole.cost) << cut;
        EXPECT_EQ(sum.attempts, 1) << cut;
    }
}

TEST(Bill, AMillionAttemptsAddUpExactly) {
    CostSection prices;
    prices.prices = {gpu_price("third", "0.333333")};
    Charge charge = charge_of(1, 0, 1);
    charge.rates = rates_of(prices, "", "");
    const Bill one = bill_of(charge);
    Bill sum;
    for (int i = 0; i < 1'000'000; ++i) sum += one;
    EXPECT_EQ(sum.cost.at("USD"),
              Money::of(parse_hourly_price("0.333333"), std::int64_t{1'000'000}));
    EXPECT_EQ(sum.attempts, 1'000'000);
}

TEST(Bill, SuspendedTimeIsPaidForAndCountedInProportion) {
    Charge charge = charge_of(4, 0, 1000);
    charge.suspended_ms = 300;
    EXPECT_EQ(bill_of(charge).gpu_ms, 4000);
    EXPECT_EQ(bill_of(charge).suspended_ms, 1200);
    EXPECT_EQ(bill_of(charge, 0, 500).suspended_ms, 600);
}

TEST(Bill, TextSaysUsefulLostAndProvisional) {
    Charge charge = charge_of(8, 0, 10 * kHourMs);
    charge.pieces = {{Work::kOverhead, "", 0, kHourMs},
                     {Work::kUseful, "rl", kHourMs, 8 * kHourMs},
                     {Work::kLost, "rl", 8 * kHourMs, 10 * kHourMs}};
    charge.provisional = true;
    EXPECT_EQ(bill_text(bill_of(charge)),
              "usage: 1 attempt, 10h00m = 80.00 GPU-hours (70% useful, 20% lost, 10% start-up), "
              "160.00 USD (provisional)");
}

TEST(Bill, WithoutGpusCoresCount) {
    Charge charge = charge_of(0, 0, kHourMs);
    charge.rates.clear();
    EXPECT_EQ(bill_of(charge).useful_ms, 8 * kHourMs);
    EXPECT_EQ(bill_text(bill_of(charge)),
              "usage: 1 attempt, 1h00m = 8.00 core-hours (100% useful, 0% lost, 0% start-up), "
              "unpriced");
}

TEST(Hours, AreRoundedHalfUp) {
    EXPECT_EQ(hours_text(0), "0.00");
    EXPECT_EQ(hours_text(17'999), "0.00");
    EXPECT_EQ(hours_text(18'000), "0.01");
    EXPECT_EQ(hours_text(198 * 512 * kHourMs), "101376.00");
}

}  // namespace
}  // namespace r1
