// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/packed_batch.h"

#include <gtest/gtest.h>

namespace r1 {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(PackedBatch, PromptRowsHaveNoLossAndTheLastTokenIsNoRow) {
    PackedBatch batch;
    batch.append(Ids{1, 2, 3}, Ids{4, 5});
    EXPECT_EQ(batch.tokens, (Ids{1, 2, 3, 4}));
    EXPECT_EQ(batch.positions, (Ids{0, 1, 2, 3}));
    EXPECT_EQ(batch.loss_rows, (Ids{2, 3}));
    EXPECT_EQ(batch.targets, (Ids{4, 5}));
}

TEST(PackedBatch, SecondSequenceStartsAtPositionZeroBehindTheFirst) {
    PackedBatch batch;
    batch.append(Ids{1, 2}, Ids{3});
    batch.append(Ids{7}, Ids{8, 9});
    EXPECT_EQ(batch.offsets, (Ids{0, 2, 4}));
    EXPECT_EQ(batch.positions, (Ids{0, 1, 0, 1}));
    EXPECT_EQ(batch.loss_rows, (Ids{1, 2, 3}));
    EXPECT_EQ(batch.targets, (Ids{3, 8, 9}));
    EXPECT_EQ(batch.longest(), 2);
}

TEST(PackedBatch, CompletionTokensEqualToThePadOrEndTokenAreInTheLoss) {
    // Masks come from positions: a completion of nothing but end-of-text ids keeps every row.
    PackedBatch batch;
    batch.append(Ids{0, 0}, Ids{0, 0, 0});
    EXPECT_EQ(batch.loss_rows, (Ids{1, 2, 3}));
}

TEST(PackedBatch, ClearEmptiesIt) {
    PackedBatch batch;
    batch.append(Ids{1}, Ids{2});
    batch.clear();
    EXPECT_EQ(batch.rows(), 0);
    EXPECT_EQ(batch.sequences(), 0);
}

}  // namespace
}  // namespace r1
