// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/parameter_shards.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/random.h"

namespace r1 {
namespace {

constexpr std::size_t kCut = 2048;

ModelShape shape_of(std::int32_t hidden, std::int32_t intermediate, std::int32_t vocabulary,
                    std::int32_t layers, bool bias, bool tied) {
    ModelShape shape;
    shape.hidden = hidden;
    shape.intermediate = intermediate;
    shape.vocabulary = vocabulary;
    shape.layers = layers;
    shape.attention.heads = 2;
    shape.attention.kv_heads = 1;
    shape.attention.head_dim = 2 * (hidden / 3 + 1);
    shape.attention_bias = bias;
    shape.tied = tied;
    return shape;
}

/// Tiny and large ones, of even and odd widths.
std::vector<ModelShape> random_shapes() {
    RandomStream random(make_key(21, Purpose::kControl), 0);
    std::vector<ModelShape> shapes;
    for (int i = 0; i < 40; ++i) {
        const auto width = [&](std::int64_t most) {
            return static_cast<std::int32_t>(random.between(1, most));
        };
        const std::int64_t most = i % 4 == 0 ? 2500 : 90;
        shapes.push_back(shape_of(width(most), width(most), width(3 * most), width(3),
                                  random.below(2) == 0, random.below(2) == 0));
    }
    shapes.push_back(shape_of(1024, 4096, 32768, 4, true, false));
    shapes.push_back(shape_of(897, 4863, 5003, 2, false, true));
    return shapes;
}

TEST(ParameterShards, EveryValueIsInThePartsOfOneRank) {
    for (const ModelShape& shape : random_shapes()) {
        const ParameterLayout layout(shape);
        for (const int ranks : {1, 2, 3, 4, 7, 16, 64}) {
            const ParameterShards shards(layout, ranks);
            std::vector<std::size_t> reached(layout.views().size(), 0);
            for (int rank = 0; rank < ranks; ++rank) {
                for (const ParameterShards::Part& part : shards.parts(shards.of(rank))) {
                    // In order and without a gap: so each is there once.
                    EXPECT_EQ(part.first, reached[part.view]);
                    EXPECT_GT(part.count, 0u);
                    reached[part.view] += part.count;
                }
            }
            for (std::size_t i = 0; i < reached.size(); ++i)
                EXPECT_EQ(reached[i], layout.views()[i].count) << layout.views()[i].name;
        }
    }
}

TEST(ParameterShards, TensorsAreCutBetweenRowsAndAtMultiplesOf2048Values) {
    int cuts = 0;
    for (const ModelShape& shape : random_shapes()) {
        const ParameterLayout layout(shape);
        for (const int ranks : {2, 3, 64}) {
            const ParameterShards shards(layout, ranks);
            for (int rank = 0; rank < ranks; ++rank) {
                for (const ParameterShards::Part& part : shards.parts(shards.of(rank))) {
                    const ParameterView& view = layout.views()[part.view];
                    const std::size_t row =
                        view.count / static_cast<std::size_t>(view.shape.front());
                    for (const std::size_t cut : {part.first, part.first + part.count}) {
                        if (cut == 0 || cut == view.count) continue;
                        ++cuts;
                        EXPECT_EQ(cut % kCut, 0u) << view.name;
                        EXPECT_EQ(cut % row, 0u) << view.name;
                    }
                }
            }
        }
    }
    EXPECT_GT(cuts, 100);
}

TEST(ParameterShards, CellsDependOnTheLayoutAlone) {
    for (const ModelShape& shape : random_shapes()) {
        const ParameterLayout layout(shape);
        const std::vector<std::size_t> cells = ParameterShards(layout, 1).cells();
        EXPECT_EQ(cells.front(), 0u);
        EXPECT_EQ(cells.back(), layout.size());
        EXPECT_LE(cells.size() - 1, 8192u);
        EXPECT_TRUE(std::is_sorted(cells.begin(), cells.end(), std::less_equal<>()));
        for (const int ranks : {2, 3, 5, 64}) {
            const ParameterShards shards(layout, ranks);
            EXPECT_EQ(shards.cells(), cells);
            std::size_t next = 0;
            for (const ValueRange& range : shards.ranges()) {
                EXPECT_EQ(range.first, next);
                EXPECT_GE(range.last, range.first);
                EXPECT_TRUE(std::binary_search(cells.begin(), cells.end(), range.last));
                next = range.last;
            }
            EXPECT_EQ(next, layout.size());
        }
    }
}

TEST(ParameterShards, RanksOwnAsMuchAsTheOthersToWithinACell) {
    const ParameterLayout layout(shape_of(1024, 4096, 32768, 4, true, false));
    for (const int ranks : {2, 3, 8, 64}) {
        const ParameterShards shards(layout, ranks);
        std::size_t widest = 0;
        for (std::size_t i = 1; i < shards.cells().size(); ++i)
            widest = std::max(widest, shards.cells()[i] - shards.cells()[i - 1]);
        const std::size_t equal = layout.size() / static_cast<std::size_t>(ranks);
        for (const ValueRange& range : shards.ranges()) {
            EXPECT_LE(range.size(), equal + widest);
            EXPECT_GE(range.size() + widest, equal);
        }
        EXPECT_LT(widest, layout.size() / 100);
    }
}

TEST(ParameterShards, GapsBelongToTheCellBefore) {
    // Norms of 5 values, each behind a gap.
    const ParameterLayout layout(shape_of(5, 3, 7, 2, false, true));
    const ParameterShards shards(layout, 1);
    for (const ParameterView& view : layout.views())
        EXPECT_TRUE(std::binary_search(shards.cells().begin(), shards.cells().end(), view.offset))
            << view.name;
    EXPECT_EQ(shards.cells().size(), layout.views().size() + 1);
}

}  // namespace
}  // namespace r1
