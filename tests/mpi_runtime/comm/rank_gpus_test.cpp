// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/rank_gpus.h"

#include <gtest/gtest.h>

#include <vector>

namespace r1 {
namespace {

using Ranks = std::vector<RankGpu>;

TEST(RankGpus, AGpuForEveryRankIsEnough) {
    EXPECT_EQ(why_not_nccl(Ranks{{"0", "a", "GPU-1", "", "01"}, {"1", "a", "GPU-2", "", "02"}}),
              "");
    EXPECT_EQ(why_not_nccl(Ranks{{"0", "a", "GPU-1", "", "01"}, {"1", "b", "GPU-2", "", "01"}}),
              "");
}

TEST(RankGpus, SharedGpuIsNamedWithItsRanks) {
    EXPECT_EQ(why_not_nccl(Ranks{{"0", "node2", "GPU-1", "", "01"},
                                 {"1", "node2", "GPU-2", "", "02"},
                                 {"2", "node3", "GPU-3", "", "02"},
                                 {"3", "node3", "GPU-3", "", "02"}}),
              "ranks 2 and 3 share GPU GPU-3 on node3, which NCCL refuses");
}

TEST(RankGpus, InstancesOfOneCardAreShared) {
    EXPECT_EQ(why_not_nccl(Ranks{{"0", "a", "GPU-1", "", "0000:5e:00.0"},
                                 {"1", "a", "GPU-2", "", "0000:5e:00.0"}}),
              "ranks 0 and 1 share the card at 0000:5e:00.0 on a, which NCCL refuses");
}

TEST(RankGpus, RankWithoutAGpuOrNcclIsNamed) {
    EXPECT_EQ(why_not_nccl(Ranks{{"0", "a", "GPU-1", "", "01"}, {"1", "b", "", "", ""}}),
              "rank 1 on b has no GPU");
    EXPECT_EQ(why_not_nccl(
                  Ranks{{"0", "a", "GPU-1", "no such file", "01"}, {"1", "b", "GPU-2", "", "02"}}),
              "rank 0 on a has no NCCL (no such file)");
}

}  // namespace
}  // namespace r1
