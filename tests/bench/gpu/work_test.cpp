// SPDX-License-Identifier: Apache-2.0
// The formulas behind every share of a limit, against numbers worked out by hand.
#include "bench/gpu/work.h"

#include <gtest/gtest.h>

#include "bench/gpu/shapes.h"
#include "mpi_runtime/model/parameter_layout.h"

namespace r1::bench {
namespace {

/// Two heads of width 2 share one key: q|k|v is 4 + 2 + 2 wide.
ModelShape by_hand() {
    ModelShape shape;
    shape.hidden = 3;
    shape.intermediate = 5;
    shape.layers = 2;
    shape.attention = {2, 1, 2};
    shape.vocabulary = 7;
    return shape;
}

TEST(BenchWork, CountsTheMatricesOfEveryLayerAndOneHead) {
    // A layer: 3·8 (q|k|v), 3·4 (output), 3·10 (gate|up), 5·3 (down). The head: 3·7.
    EXPECT_EQ(matrix_entries(by_hand()), 2 * (24 + 12 + 30 + 15) + 21);
}

TEST(BenchWork, MatrixEntriesAreTheParametersWithoutNormsAndBiases) {
    const ModelShape shape = qwen2_1_5b();
    const double norms = 1536.0 * (2 * 28 + 1), biases = 2048.0 * 28;
    EXPECT_EQ(matrix_entries(shape) + norms + biases, 1543714304);  // as its authors count
}

TEST(BenchWork, HalfOfAttentionIsMasked) {
    // 10 rows: 100 pairs, half of them, two products of 4 multiply-adds each.
    EXPECT_EQ(attention_forward_flops(by_hand().attention, 10), 100 / 2 * 2 * 4 * 2);
    EXPECT_EQ(attention_backward_flops(by_hand().attention, 10), 100 / 2 * 5 * 4 * 2);
}

TEST(BenchWork, TrainingIsThreeForwardPasses) {
    const double matrices = 3 * 2 * 183.0 * 10;    // 183 entries, 10 tokens
    const double attention = 3 * 2 * (50 * 16.0);  // 2 layers, 50 pairs, 16 operations a pair
    EXPECT_EQ(training_flops(by_hand(), 1, 10), matrices + attention);
    EXPECT_EQ(training_flops(by_hand(), 4, 10), 4 * (matrices + attention));
}

TEST(BenchWork, DecodingReadsWeightsOnceAndEachCache) {
    // Keys and values: 2 layers, 2 wide each.
    EXPECT_EQ(cache_bytes_of_token(by_hand(), 2), 2 * 2 * 2 * 2);
    EXPECT_EQ(decode_bytes(by_hand(), 3, 10, 2), 183 * 2 + 3 * 10 * 16);
    // 2 operations an entry; 2 layers of two products of 10 rows by 4.
    EXPECT_EQ(decode_flops(by_hand(), 3, 10), 3 * (2 * 183 + 2 * 2 * 10 * 4 * 2));
}

TEST(BenchWork, TheRooflineIsTheSlowerOfTheTwo) {
    EXPECT_EQ(least_seconds({10, 100}, 1000, 10), 10);
    EXPECT_EQ(least_seconds({10, 100}, 100, 1000), 100);
}

}  // namespace
}  // namespace r1::bench
