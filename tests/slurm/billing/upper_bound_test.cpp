// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/upper_bound.h"

#include <gtest/gtest.h>

#include "tests/slurm/billing/charge_fixture.h"

namespace r1 {
namespace {

JobPlan r1_zero() {
    JobPlan job;
    job.paid_gpus = 512;
    job.paid_cores = 512;
    job.nodes = 64;
    job.time_limit_s = 198 * 3600;
    return job;
}

TEST(UpperBound, IsExact) {
    CostSection prices;
    prices.currency = "USD";
    prices.price_per_gpu_hour = parse_hourly_price("2.00");
    EXPECT_EQ(cost_text(upper_bound(r1_zero(), prices, 0)), "202752.00 USD");
    prices.price_per_core_hour = parse_hourly_price("0.000001");
    EXPECT_EQ(cost_text(upper_bound(r1_zero(), prices, 0)), "202752.10 USD");
}

TEST(UpperBound, WithoutAPriceIsNotFree) {
    EXPECT_EQ(cost_text(upper_bound(r1_zero(), {}, 0)), "unpriced");
}

TEST(UpperBound, HeedsAPriceThatChangesBeforeTheLimit) {
    CostSection prices;
    prices.prices = {test::gpu_price("old", "2"), test::gpu_price("new", "4", "2026-01-02")};
    JobPlan job = r1_zero();
    job.paid_gpus = 1;
    job.time_limit_s = 48 * 3600;
    EXPECT_EQ(cost_text(upper_bound(job, prices, test::at("2026-01-01"))), "144.00 USD");
}

}  // namespace
}  // namespace r1
