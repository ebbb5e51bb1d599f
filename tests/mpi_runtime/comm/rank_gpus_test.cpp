// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/rank_gpus.h"

#include <gtest/gtest.h>

#include <vector>

namespace r1 {
namespace {

using Ranks = std::vector<RankGpu>;

TEST(RankGpus, AGpuForEveryRankIsEnough) {
    EXPECT_EQ(why_not_nccl(Ranks{{"0", "a", "GPU-1", ""}, {"1", "a", "GPU-2", ""}}), "");
    EXPECT_EQ(why_not_nccl(Ranks{{"0", "a", "GPU-1", ""}, {"1", "b", "GPU-1", ""}}), "");
}

TEST(RankGpus, SharedGpuIsNamedWithItsRanks) {
    EXPECT_EQ(why_not_nccl(Ranks{{"0", "node2", "GPU-1", ""},
                                 {"1", "node2", "GPU-2", ""},
                                 {"2", "node3", "GPU-3", ""},
                                 {"3", "node3", "GPU-3", ""}}),
              "ranks 2 and 3 share GPU GPU-3 on node3, which NCCL refuses");
}

TEST(RankGpus, RankWithoutAGpuOrNcclIsNamed) {
    EXPECT_EQ(why_not_nccl(Ranks{{"0", "a", "GPU-1", ""}, {"1", "b", "", ""}}),
              "rank 1 on b has no GPU");
    EXPECT_EQ(why_not_nccl(Ranks{{"0", "a", "GPU-1", "no such file"}, {"1", "b", "GPU-2", ""}}),
              "rank 0 on a has no NCCL (no such file)");
}

}  // namespace
}  // namespace r1
