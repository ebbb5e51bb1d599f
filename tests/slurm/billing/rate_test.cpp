// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/rate.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/slurm/billing/charge_fixture.h"

namespace r1 {
namespace {

using test::at;
using test::gpu_price;

constexpr std::int64_t kAlways = std::numeric_limits<std::int64_t>::min();

std::string name_at(const RateSchedule& schedule, const std::string& moment) {
    std::string name = "unpriced";
    for (const RatePeriod& period : schedule)
        if (period.from_ms <= at(moment)) name = period.rate.name;
    return name;
}

TEST(Rates, TheRecipesOwnPriceGoesBeforeEveryRow) {
    CostSection prices;
    prices.currency = "EUR";
    prices.price_per_gpu_hour = parse_hourly_price("1.50");
    prices.prices = {gpu_price("site", "2.00")};
    const RateSchedule schedule = rates_of(prices, "gpu", "h800");
    ASSERT_EQ(schedule.size(), 1U);
    EXPECT_EQ(schedule[0].from_ms, kAlways);
    EXPECT_EQ(schedule[0].rate.name, "recipe");
    EXPECT_EQ(schedule[0].rate.currency, "EUR");
    EXPECT_EQ(price_text(schedule[0].rate), "1.50/GPU-hour");
}

TEST(Rates, ARowHoldsFromItsDayUntilTheNextOne) {
    CostSection prices;
    prices.prices = {gpu_price("new", "2.50", "2026-03-01"),
                     gpu_price("old", "2.00", "2026-01-01")};
    const RateSchedule schedule = rates_of(prices, "gpu", "h800");
    EXPECT_EQ(name_at(schedule, "2025-12-31T23:59:59Z"), "unpriced");
    EXPECT_EQ(name_at(schedule, "2026-01-01"), "old");
    EXPECT_EQ(name_at(schedule, "2026-02-28T23:59:59Z"), "old");
    EXPECT_EQ(name_at(schedule, "2026-03-01T00:00:00Z"), "new");
}

TEST(Rates, ThePartitionGoesBeforeTheTypeAndTheTypeBeforeNeither) {
    PriceRow any = gpu_price("any", "1");
    PriceRow type = gpu_price("type", "2");
    type.gpu_type = "h800";
    PriceRow partition = gpu_price("partition", "3");
    partition.partition = "gpu";
    CostSection prices;
    prices.prices = {partition, type, any};
    EXPECT_EQ(rates_of(prices, "gpu", "h800")[0].rate.name, "partition");
    EXPECT_EQ(rates_of(prices, "other", "H800")[0].rate.name, "type");
    EXPECT_EQ(rates_of(prices, "other", "a100")[0].rate.name, "any");
    EXPECT_EQ(rates_of(prices, "other", "")[0].rate.name, "any");
}

TEST(Rates, ANewerGeneralRowDoesNotReplaceAnOlderSpecificOne) {
    PriceRow type = gpu_price("type", "2");
    type.gpu_type = "h800";
    CostSection prices;
    prices.prices = {type, gpu_price("any", "9", "2026-06-01")};
    EXPECT_EQ(name_at(rates_of(prices, "gpu", "h800"), "2026-07-01"), "type");
    EXPECT_EQ(name_at(rates_of(prices, "gpu", "a100"), "2026-05-31"), "unpriced");
    EXPECT_EQ(name_at(rates_of(prices, "gpu", "a100"), "2026-07-01"), "any");
}

TEST(Rates, OfEqualRowsTheLaterCounts) {
    CostSection prices;
    prices.prices = {gpu_price("site", "1"), gpu_price("user", "2")};
    const RateSchedule schedule = rates_of(prices, "", "");
    ASSERT_EQ(schedule.size(), 1U);
    EXPECT_EQ(schedule[0].rate.name, "user");
}

TEST(Rates, ATypeThatIsNotListedIsUnpriced) {
    PriceRow type = gpu_price("type", "2");
    type.gpu_type = "h800";
    CostSection prices;
    prices.prices = {type};
    EXPECT_TRUE(rates_of(prices, "gpu", "b200").empty());
}

TEST(Rates, TextsNameEveryBasis) {
    Rate rate;
    EXPECT_EQ(basis_text(rate), "-");
    EXPECT_EQ(price_text(rate), "unpriced");
    rate.per_gpu_hour = parse_hourly_price("2");
    rate.per_core_hour = parse_hourly_price("0.0135");
    EXPECT_EQ(basis_text(rate), "per_gpu+per_core");
    EXPECT_EQ(price_text(rate), "2.00/GPU-hour + 0.0135/core-hour");
}

class Frozen : public testing::Test {
  protected:
    Frozen() {
        cluster.currency = "EUR";
        PartitionProfile gpu;
        gpu.name = "gpu";
        gpu.price_per_gpu_hour = parse_hourly_price("2.00");
        PartitionProfile cpu;
        cpu.name = "cpu";
        cpu.price_per_core_hour = parse_hourly_price("0.02");
        PartitionProfile free;
        free.name = "free";
        cluster.partitions = {gpu, cpu, free};
    }
    ClusterProfile cluster;
};

TEST_F(Frozen, ThePartitionsPricesAreRowsWithTheClustersCurrency) {
    CostSection recipe;
    recipe.currency = "USD";
    const CostSection frozen = frozen_prices(recipe, cluster);
    ASSERT_EQ(frozen.prices.size(), 2U);
    const RateSchedule gpu = rates_of(frozen, "gpu", "h800");
    ASSERT_EQ(gpu.size(), 1U);
    EXPECT_EQ(gpu[0].rate.name, "partition gpu");
    EXPECT_EQ(gpu[0].rate.currency, "EUR");
    EXPECT_EQ(price_text(rates_of(frozen, "cpu", "")[0].rate), "0.02/core-hour");
    EXPECT_TRUE(rates_of(frozen, "free", "").empty());
}

TEST_F(Frozen, TheClustersRowsGoBeforeThePartitionsOwnPrice) {
    PriceRow row = gpu_price("2026", "3.00");
    row.partition = "gpu";
    row.currency.clear();
    cluster.prices = {row};
    const CostSection frozen = frozen_prices({}, cluster);
    EXPECT_EQ(rates_of(frozen, "gpu", "")[0].rate.name, "2026");
    EXPECT_EQ(rates_of(frozen, "gpu", "")[0].rate.currency, "EUR");
}

TEST_F(Frozen, TheRecipesOwnPricesStay) {
    CostSection recipe;
    recipe.currency = "USD";
    recipe.price_per_core_hour = parse_hourly_price("0.05");
    EXPECT_EQ(frozen_prices(recipe, cluster), recipe);
    CostSection table;
    table.currency = "USD";
    table.prices = {gpu_price("mine", "1")};
    table.prices[0].currency.clear();
    const CostSection frozen = frozen_prices(table, cluster);
    ASSERT_EQ(frozen.prices.size(), 1U);
    EXPECT_EQ(frozen.prices[0].currency, "USD");
}

}  // namespace
}  // namespace r1
