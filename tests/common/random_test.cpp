// SPDX-License-Identifier: Apache-2.0
#include "common/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace r1 {

namespace {

constexpr std::uint32_t kOnes = 0xFFFFFFFF;

RandomStream stream_of(Purpose purpose, std::uint32_t a = 0) {
    return {make_key(42, purpose), a};
}

}  // namespace

// The known answers of the authors' own library, Random123 (kat_vectors, philox4x32 10 rounds).
TEST(Philox4x32, ZerosGiveThePublishedAnswer) {
    EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
              (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
}

TEST(Philox4x32, OnesGiveThePublishedAnswer) {
    EXPECT_EQ(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
              (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Philox4x32, DigitsOfPiGiveThePublishedAnswer) {
    EXPECT_EQ(
        philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
        (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(MakeKey, SeedPurposeAndStageEachChangeIt) {
    std::set<PhiloxKey> keys;
    for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32, ~0ull})
        for (std::uint32_t purpose = 1; purpose <= 8; ++purpose)
            for (std::uint32_t stage = 0; stage < 4; ++stage)
                keys.insert(make_key(seed, static_cast<Purpose>(purpose), stage));
    EXPECT_EQ(keys.size(), 4u * 8u * 4u);
}

TEST(RandomStream, SameItemGivesTheSameNumbers) {
    RandomStream first = stream_of(Purpose::kSample, 7);
    RandomStream second = stream_of(Purpose::kSample, 7);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(first.bits(), second.bits());
}

TEST(RandomStream, PurposesAndItemsDoNotShareNumbers) {
    std::set<std::uint32_t> seen;
    for (std::uint32_t item = 0; item < 4; ++item)
        for (std::uint32_t purpose = 1; purpose <= 8; ++purpose) {
            RandomStream stream = stream_of(static_cast<Purpose>(purpose), item);
            for (int i = 0; i < 8; ++i) seen.insert(stream.bits());
        }
    EXPECT_EQ(seen.size(), 4u * 8u * 8u);
}

TEST(RandomStream, UniformStaysBelowOne) {
    EXPECT_EQ(to_unit(0), 0.0);
    EXPECT_LT(to_unit(kOnes), 1.0);
}

TEST(RandomStream, BelowIsUnbiasedWhereAModuloIsNot) {
    // With n = 3/4 of 2^32 a modulo would give the first third of the range twice as often.
    constexpr std::uint32_t kRange = 0xC0000000;
    RandomStream stream = stream_of(Purpose::kShuffle);
    int low = 0;
    for (int i = 0; i < 90'000; ++i) {
        const std::uint32_t value = stream.below(kRange);
        ASSERT_LT(value, kRange);
        if (value < kRange / 3) ++low;
    }
    EXPECT_NEAR(low, 30'000, 700);  // five standard deviations
}

TEST(RandomStream, BelowReachesEveryValueEvenly) {
    RandomStream stream = stream_of(Purpose::kShuffle);
    std::array<int, 6> counts{};
    for (int i = 0; i < 60'000; ++i) ++counts[stream.below(6)];
    for (const int count : counts) EXPECT_NEAR(count, 10'000, 460);
    EXPECT_EQ(stream.below(1), 0u);
}

TEST(RandomStream, BetweenIncludesBothEnds) {
    RandomStream stream = stream_of(Purpose::kPrompt);
    std::set<std::int64_t> seen;
    for (int i = 0; i < 200; ++i) seen.insert(stream.between(-2, 2));
    EXPECT_EQ(seen, (std::set<std::int64_t>{-2, -1, 0, 1, 2}));
    EXPECT_EQ(stream.between(5, 5), 5);
}

TEST(RandomStream, BetweenCoversRangesWiderThan32Bits) {
    RandomStream stream = stream_of(Purpose::kPrompt);
    constexpr std::int64_t kWide = 10'000'000'000;
    std::int64_t largest = 0;
    for (int i = 0; i < 100; ++i) {
        const std::int64_t value = stream.between(-kWide, kWide);
        ASSERT_GE(value, -kWide);
        ASSERT_LE(value, kWide);
        largest = std::max(largest, value);
        ASSERT_GE(stream.between(0, kOnes), 0);
    }
    EXPECT_GT(largest, kWide / 2);
    constexpr auto kLimits = std::numeric_limits<std::int64_t>();
    EXPECT_NE(stream.between(kLimits.min(), kLimits.max()),
              stream.between(kLimits.min(), kLimits.max()));
}

TEST(RandomStream, NormalHasTheMomentsOfANormal) {
    RandomStream stream = stream_of(Purpose::kInit);
    constexpr int kDraws = 200'000;
    std::array<double, 4> sums{};
    for (int i = 0; i < kDraws; ++i) {
        const double x = stream.normal();
        ASSERT_TRUE(std::isfinite(x));
        sums[0] += x;
        sums[1] += x * x;
        sums[2] += x * x * x;
        sums[3] += x * x * x * x;
    }
    EXPECT_NEAR(sums[0] / kDraws, 0.0, 0.012);
    EXPECT_NEAR(sums[1] / kDraws, 1.0, 0.016);
    EXPECT_NEAR(sums[2] / kDraws, 0.0, 0.045);
    EXPECT_NEAR(sums[3] / kDraws, 3.0, 0.12);
}

}  // namespace r1
