// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/charge.h"

#include <gtest/gtest.h>

#include "tests/slurm/billing/charge_fixture.h"

namespace r1 {
namespace {

using test::at;
using test::charge_of;
using test::gpu_price;
using test::kHourMs;

std::int64_t length_of(const std::vector<Segment>& segments) {
    std::int64_t length = 0;
    for (const Segment& segment : segments) length += segment.end_ms - segment.start_ms;
    return length;
}

TEST(Segments, OneWhereNothingChanges) {
    const Charge charge = charge_of(8, at("2026-01-10"), at("2026-01-10") + kHourMs);
    const auto segments = segments_of(charge);
    ASSERT_EQ(segments.size(), 1U);
    EXPECT_EQ(segments[0].month, 202601);
    EXPECT_EQ(segments[0].work, Work::kUseful);
    EXPECT_EQ(segments[0].stage, "rl");
    EXPECT_EQ(segments[0].start_ms, charge.start_ms);
    EXPECT_EQ(segments[0].end_ms, charge.end_ms);
    ASSERT_TRUE(segments[0].rate);
    EXPECT_EQ(segments[0].rate->name, "two");
}

TEST(Segments, EndWhereAMonthAPriceOrAPieceDoes) {
    CostSection prices;
    prices.prices = {gpu_price("old", "2"), gpu_price("new", "3", "2026-02-02")};
    Charge charge = charge_of(8, at("2026-01-31"), at("2026-02-03"));
    charge.rates = rates_of(prices, "", "");
    charge.pieces = {{Work::kOverhead, "", at("2026-01-31"), at("2026-01-31T12:00:00Z")},
                     {Work::kLost, "rl", at("2026-01-31T12:00:00Z"), at("2026-02-03")}};
    const auto segments = segments_of(charge);
    ASSERT_EQ(segments.size(), 4U);
    EXPECT_EQ(segments[0].end_ms, at("2026-01-31T12:00:00Z"));
    EXPECT_EQ(segments[1].end_ms, at("2026-02-01"));
    EXPECT_EQ(segments[1].month, 202601);
    EXPECT_EQ(segments[2].month, 202602);
    EXPECT_EQ(segments[2].end_ms, at("2026-02-02"));
    EXPECT_EQ(segments[2].rate->name, "old");
    EXPECT_EQ(segments[3].rate->name, "new");
    EXPECT_EQ(length_of(segments), charge.end_ms - charge.start_ms);
}

TEST(Segments, BeforeTheFirstPriceThereIsNone) {
    CostSection prices;
    prices.prices = {gpu_price("new", "3", "2026-01-02")};
    Charge charge = charge_of(8, at("2026-01-01"), at("2026-01-03"));
    charge.rates = rates_of(prices, "", "");
    const auto segments = segments_of(charge);
    ASSERT_EQ(segments.size(), 2U);
    EXPECT_FALSE(segments[0].rate);
    EXPECT_TRUE(segments[1].rate);
}

TEST(Segments, WhatNoPieceCoversIsUnknown) {
    Charge charge = charge_of(8, 1000, 9000);
    charge.pieces = {{Work::kUseful, "rl", 2000, 3000}};
    const auto segments = segments_of(charge);
    ASSERT_EQ(segments.size(), 3U);
    EXPECT_EQ(segments[0].work, Work::kUnknown);
    EXPECT_EQ(segments[2].work, Work::kUnknown);
    EXPECT_EQ(length_of(segments), 8000);
}

TEST(Segments, AWindowCutsToTheMillisecond) {
    const Charge charge = charge_of(8, 1000, 9000);
    const auto segments = segments_of(charge, 1001, 8999);
    ASSERT_EQ(segments.size(), 1U);
    EXPECT_EQ(segments[0].start_ms, 1001);
    EXPECT_EQ(segments[0].end_ms, 8999);
    EXPECT_TRUE(segments_of(charge, 9000, 10000).empty());
    EXPECT_TRUE(segments_of(charge, 0, 1000).empty());
}

TEST(Segments, OfARefusedChargeThereAreNone) {
    Charge charge = charge_of(8, 1000, 9000);
    charge.refused = "a slice";
    EXPECT_TRUE(segments_of(charge).empty());
}

}  // namespace
}  // namespace r1
