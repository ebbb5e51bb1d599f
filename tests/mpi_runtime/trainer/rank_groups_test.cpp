// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/rank_groups.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/common/message_of.h"

namespace r1 {
namespace {

std::string complaint(const std::vector<std::string>& nodes, std::int32_t slices) {
    return message_of([&] { check_slices(nodes, slices); });
}

TEST(RankGroups, NeighboursOnANodeMayShareAModel) {
    check_slices(std::vector<std::string>{"a", "a", "a", "a", "b", "b", "b", "b"}, 4);
    check_slices(std::vector<std::string>{"a", "a", "a", "a", "b", "b"}, 2);
    check_slices(std::vector<std::string>{"a", "b", "c"}, 1);
}

TEST(RankGroups, RanksThatMakeNoWholeModelAreRefused) {
    EXPECT_EQ(complaint({"a", "a", "a"}, 2),
              "parallel.tensor 2 needs a multiple of it in ranks, and there are 3; change "
              "resources.ranks or --ranks");
}

TEST(RankGroups, AModelOnTwoNodesIsRefusedNamingThem) {
    EXPECT_EQ(complaint({"a", "a", "a", "b", "b", "b"}, 2),
              "ranks 2 and 3 share a model (parallel.tensor 2) and are on two nodes, a and b; set "
              "resources.ranks_per_node to a multiple of 2");
}

TEST(RankGroups, ARankAloneHasTheWholeModel) {
    const std::unique_ptr<Communicator> self = make_self_communicator();
    const RankGroups groups(*self, 1);
    EXPECT_EQ(&groups.data(), self.get());
    EXPECT_EQ(groups.slices(), nullptr);
}

}  // namespace
}  // namespace r1
