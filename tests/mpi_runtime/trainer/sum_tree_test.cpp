// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/sum_tree.h"

#include <gtest/gtest.h>

#include <string>

#include "mpi_runtime/comm/tensor_group.h"
#include "mpi_runtime/trainer/work_split.h"

namespace r1 {
namespace {

/// The sum as its brackets say it.
void join(std::vector<std::string>& open, int joins) {
    for (int i = 0; i < joins; ++i) {
        const std::string right = open.back();
        open.pop_back();
        open.back() = "(" + open.back() + "+" + right + ")";
    }
}

/// What one rank is left with after its own shards.
std::vector<std::string> buffers_of(int shards, int first, int last, std::size_t* most = nullptr) {
    const std::vector<int> joins = local_joins(shards, first, last);
    std::vector<std::string> open;
    for (int shard = first; shard < last; ++shard) {
        open.push_back(std::to_string(shard));
        if (most != nullptr) *most = std::max(*most, open.size());
        join(open, joins[static_cast<std::size_t>(shard - first)]);
    }
    return open;
}

std::string sum_of(int shards, int ranks) {
    std::vector<std::vector<std::string>> buffers;
    for (int rank = 0; rank < ranks; ++rank) {
        const auto [first, last] = even_part(static_cast<std::size_t>(shards), rank, ranks);
        buffers.push_back(buffers_of(shards, static_cast<int>(first), static_cast<int>(last)));
    }
    std::vector<std::string> open;
    std::size_t taken = 0;
    for (const SumTerm& term : sum_over_ranks(shards, ranks)) {
        open.push_back(buffers.at(static_cast<std::size_t>(term.rank))
                           .at(static_cast<std::size_t>(term.buffer)));
        ++taken;
        join(open, term.joins);
    }
    std::size_t all = 0;
    for (const auto& one : buffers) all += one.size();
    EXPECT_EQ(taken, all) << "every buffer is taken once";
    EXPECT_EQ(open.size(), 1u);
    return open.front();
}

TEST(SumTree, IsABinaryTreeOverTheNumbers) {
    EXPECT_EQ(sum_of(1, 1), "0");
    EXPECT_EQ(sum_of(2, 1), "(0+1)");
    EXPECT_EQ(sum_of(3, 1), "((0+1)+2)");
    EXPECT_EQ(sum_of(8, 1), "(((0+1)+(2+3))+((4+5)+(6+7)))");
    EXPECT_EQ(sum_of(11, 1), "((((0+1)+(2+3))+((4+5)+(6+7)))+((8+9)+10))");
}

TEST(SumTree, IsTheSameOnAnyNumberOfRanks) {
    for (int shards = 1; shards <= 40; ++shards) {
        const std::string expected = sum_of(shards, 1);
        for (int ranks = 2; ranks <= 12; ++ranks)
            EXPECT_EQ(sum_of(shards, ranks), expected) << shards << " on " << ranks;
    }
}

TEST(SumTree, ShardThatIsARankIsOneBuffer) {
    for (const int ranks : {1, 2, 3, 7, 8, 64}) {
        const std::vector<SumTerm> terms = sum_over_ranks(ranks, ranks);
        ASSERT_EQ(terms.size(), static_cast<std::size_t>(ranks));
        for (int rank = 0; rank < ranks; ++rank) {
            EXPECT_EQ(terms[static_cast<std::size_t>(rank)].rank, rank);
            EXPECT_EQ(terms[static_cast<std::size_t>(rank)].buffer, 0);
        }
    }
}

/// What groups of tensors add in, below this module, is the tree of a shard a rank.
TEST(SumTree, SumOfRanksIsTheTreeWithAShardARank) {
    for (int ranks = 1; ranks <= 70; ++ranks)
        EXPECT_EQ(sum_of_ranks(ranks), sum_over_ranks(ranks, ranks)) << ranks << " ranks";
}

TEST(SumTree, RankKeepsFewBuffers) {
    for (int log = 0; log <= 10; ++log) {
        const int shards = 1 << log;
        std::size_t most = 0;
        EXPECT_EQ(buffers_of(shards, 0, shards, &most).size(), 1u);
        EXPECT_EQ(most, static_cast<std::size_t>(log) + 1);
        for (const int ranks : {2, 3, 5, 7}) {
            for (int rank = 0; rank < ranks; ++rank) {
                const auto [first, last] = even_part(static_cast<std::size_t>(shards), rank, ranks);
                std::size_t of_rank = 0;
                buffers_of(shards, static_cast<int>(first), static_cast<int>(last), &of_rank);
                EXPECT_LE(of_rank, static_cast<std::size_t>(2 * log) + 1);
            }
        }
    }
}

}  // namespace
}  // namespace r1
