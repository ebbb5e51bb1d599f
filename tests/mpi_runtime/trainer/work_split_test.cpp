// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/work_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "common/random.h"
#include "mpi_runtime/trainer/shuffle.h"

namespace r1 {
namespace {

using Tokens = std::vector<std::int64_t>;
using Part = std::vector<std::size_t>;

Tokens random_lengths(std::size_t count) {
    RandomStream random(make_key(3, Purpose::kControl), 0);
    Tokens tokens;
    for (std::size_t i = 0; i < count; ++i) tokens.push_back(random.between(1, 400));
    return tokens;
}

std::int64_t load_of(const Part& part, const Tokens& tokens) {
    std::int64_t load = 0;
    for (const std::size_t i : part) load += tokens[i];
    return load;
}

TEST(EvenPart, PartsAreContiguousCoverAllAndDifferByOneAtMost) {
    for (const std::size_t count : {0u, 1u, 5u, 7u, 64u})
        for (const int size : {1, 2, 4, 7}) {
            std::size_t next = 0;
            for (int rank = 0; rank < size; ++rank) {
                const auto [first, last] = even_part(count, rank, size);
                EXPECT_EQ(first, next);
                const std::size_t least = count / static_cast<std::size_t>(size);
                EXPECT_GE(last - first, least);
                EXPECT_LE(last - first, least + 1);
                next = last;
            }
            EXPECT_EQ(next, count);
        }
}

TEST(BalancedParts, EverySequenceGoesToExactlyOneInOrder) {
    const Tokens tokens = random_lengths(61);
    for (const int size : {1, 2, 4, 7}) {
        std::vector<int> seen(tokens.size(), 0);
        const std::vector<Part> parts = balanced_parts(tokens, size);
        EXPECT_EQ(parts.size(), static_cast<std::size_t>(size));
        EXPECT_EQ(parts, balanced_parts(tokens, size));
        for (const Part& part : parts) {
            EXPECT_TRUE(std::is_sorted(part.begin(), part.end()));
            for (const std::size_t i : part) ++seen[i];
        }
        EXPECT_EQ(seen, std::vector<int>(tokens.size(), 1)) << size << " parts";
    }
}

TEST(BalancedParts, LoadIsWithinAThirdOfTheBest) {
    // Longest first is at most 4/3 of the best split (Graham 1969), which is at least the mean and
    // at least the longest.
    const Tokens tokens = random_lengths(61);
    const std::int64_t all = std::accumulate(tokens.begin(), tokens.end(), std::int64_t{0});
    for (const int size : {2, 4, 7}) {
        std::int64_t heaviest = 0;
        for (const Part& part : balanced_parts(tokens, size))
            heaviest = std::max(heaviest, load_of(part, tokens));
        EXPECT_LE(3 * heaviest * size, 4 * all) << size << " parts";
    }
}

TEST(BalancedParts, OneLongSequenceGetsAPartOfItsOwn) {
    EXPECT_EQ(balanced_parts({10, 1000, 20, 30}, 2), (std::vector<Part>{{1}, {0, 2, 3}}));
}

TEST(BalancedParts, FewerSequencesThanPartsLeavesSomeEmpty) {
    EXPECT_EQ(balanced_parts({5}, 4), (std::vector<Part>{{0}, {}, {}, {}}));
}

TEST(MicroBatches, FillUpToTheLimitInOrder) {
    const Tokens tokens{30, 40, 30, 50, 51, 49};
    const std::vector<Part> expected{{0, 1, 2}, {3}, {4, 5}};
    EXPECT_EQ(micro_batches({0, 1, 2, 3, 4, 5}, tokens, 100), expected);
}

TEST(MicroBatches, SequenceBeyondTheLimitStandsAlone) {
    const Tokens tokens{10, 500, 10, 10};
    const std::vector<Part> expected{{0}, {1}, {2, 3}};
    EXPECT_EQ(micro_batches({0, 1, 2, 3}, tokens, 100), expected);
    EXPECT_EQ(micro_batches({0, 2, 3}, tokens, 1), (std::vector<Part>{{0}, {2}, {3}}));
}

TEST(MicroBatches, NothingToDoIsNoBatch) {
    EXPECT_TRUE(micro_batches({}, {}, 100).empty());
}

TEST(ShuffledOrder, IsAPermutationThatDependsOnEveryArgument) {
    const PhiloxKey key = make_key(1, Purpose::kShuffle);
    const Part order = shuffled_order(50, key, 3, 4);
    Part sorted = order;
    std::sort(sorted.begin(), sorted.end());
    Part every(50);
    std::iota(every.begin(), every.end(), std::size_t{0});
    EXPECT_EQ(sorted, every);
    EXPECT_NE(order, every);
    EXPECT_EQ(order, shuffled_order(50, key, 3, 4));
    EXPECT_NE(order, shuffled_order(50, key, 2, 4));
    EXPECT_NE(order, shuffled_order(50, key, 3, 5));
    EXPECT_NE(order, shuffled_order(50, make_key(2, Purpose::kShuffle), 3, 4));
}

TEST(ShuffledOrder, EveryPlaceIsEquallyLikely) {
    // 3! = 6 orders in 6000 draws: each within 5 deviations (29 each) of 1000.
    std::vector<int> counts(27, 0);
    for (std::uint32_t i = 0; i < 6000; ++i) {
        const Part order = shuffled_order(3, make_key(9, Purpose::kShuffle), i, 0);
        ++counts[order[0] * 9 + order[1] * 3 + order[2]];
    }
    int orders = 0;
    for (const int count : counts) {
        if (count == 0) continue;
        ++orders;
        EXPECT_NEAR(count, 1000, 145);
    }
    EXPECT_EQ(orders, 6);
}

TEST(ShuffledOrder, NoneAndOneAreWhole) {
    EXPECT_TRUE(shuffled_order(0, {}, 0, 0).empty());
    EXPECT_EQ(shuffled_order(1, {}, 0, 0), Part{0});
}

}  // namespace
}  // namespace r1
