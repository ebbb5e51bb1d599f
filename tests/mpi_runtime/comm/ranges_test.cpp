// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/ranges.h"

#include <gtest/gtest.h>

namespace r1 {
namespace {

using Ranges = std::vector<ValueRange>;

TEST(Ranges, PartsAreCountedFromTheRangesFirstValue) {
    const Ranges owners{{0, 100}, {100, 100}, {100, 250}, {250, 300}};
    EXPECT_EQ(parts_of({20, 80}, owners), (Ranges{{0, 60}, {60, 60}, {60, 60}, {60, 60}}));
    EXPECT_EQ(parts_of({80, 270}, owners), (Ranges{{0, 20}, {20, 20}, {20, 170}, {170, 190}}));
    EXPECT_EQ(parts_of({260, 270}, owners), (Ranges{{0, 0}, {0, 0}, {0, 0}, {0, 10}}));
    EXPECT_EQ(parts_of({100, 100}, owners), (Ranges{{0, 0}, {0, 0}, {0, 0}, {0, 0}}));
}

TEST(Ranges, PiecesEndWithTheirRange) {
    EXPECT_EQ(piece_at({10, 35}, 0, 10), (ValueRange{10, 20}));
    EXPECT_EQ(piece_at({10, 35}, 20, 10), (ValueRange{30, 35}));
    EXPECT_EQ(piece_at({10, 35}, 30, 10), (ValueRange{35, 35}));
    EXPECT_EQ(longest(Ranges{{0, 3}, {3, 10}, {10, 12}}), 7U);
}

TEST(Ranges, EqualPartsLieOneBehindTheOther) {
    EXPECT_EQ(equal_parts(Ranges{{5, 10}, {10, 15}}), 5U);
    EXPECT_EQ(equal_parts(Ranges{{5, 10}}), 5U);
    EXPECT_EQ(equal_parts(Ranges{{5, 10}, {11, 16}}), std::nullopt);
    EXPECT_EQ(equal_parts(Ranges{{5, 10}, {10, 16}}), std::nullopt);
    EXPECT_EQ(equal_parts(Ranges{{10, 15}, {5, 10}}), std::nullopt);
}

}  // namespace
}  // namespace r1
