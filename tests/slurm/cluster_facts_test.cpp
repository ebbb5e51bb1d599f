// SPDX-License-Identifier: Apache-2.0
#include "slurm/cluster_facts.h"

#include <gtest/gtest.h>

namespace r1 {
namespace {

using Gpus = std::vector<GpuCount>;

TEST(ClusterFacts, GresNamesTypesAndCounts) {
    EXPECT_EQ(parse_gres("gpu:h800:8(S:0-1)"), (Gpus{{"h800", 8}}));
    EXPECT_EQ(parse_gres("gpu:8"), (Gpus{{"", 8}}));
    EXPECT_EQ(parse_gres("gpu"), (Gpus{{"", 1}}));
    EXPECT_EQ(parse_gres("gpu:t4"), (Gpus{{"t4", 1}}));
    EXPECT_EQ(parse_gres("nic:2,gpu:a100:4(S:0,2),gpu:t4:1,shard:16"),
              (Gpus{{"a100", 4}, {"t4", 1}}));
    EXPECT_EQ(parse_gres("gpu:a100_1g.5gb:7(IDX:0-6)"), (Gpus{{"a100_1g.5gb", 7}}));
    EXPECT_EQ(parse_gres("(null)"), Gpus{});
    EXPECT_EQ(parse_gres(""), Gpus{});
    EXPECT_EQ(parse_gres("gpu:0"), Gpus{});
    EXPECT_EQ(parse_gres("gpumem:80"), Gpus{});
}

TEST(ClusterFacts, TimeLimitsAreReadAsSlurmWritesThem) {
    EXPECT_EQ(parse_time_limit("2-00:00:00"), 172800);
    EXPECT_EQ(parse_time_limit("24:00:00"), 86400);
    EXPECT_EQ(parse_time_limit("30:00"), 1800);
    EXPECT_EQ(parse_time_limit("90"), 5400);
    EXPECT_EQ(parse_time_limit("14-0"), 14 * 86400);
    EXPECT_EQ(parse_time_limit("infinite"), std::nullopt);
    EXPECT_EQ(parse_time_limit("n/a"), std::nullopt);
    EXPECT_EQ(parse_time_limit(""), std::nullopt);
    EXPECT_EQ(parse_time_limit("1:2:3:4"), std::nullopt);
    EXPECT_EQ(parse_time_limit("99999999999999999999"), std::nullopt);
}

TEST(ClusterFacts, LinesOfOnePartitionAreAddedUp) {
    const auto partitions = parse_partitions(
        "gpu*|up|1-00:00:00|60|mixed|128|gpu:h800:8(S:0-1)\n"
        "gpu*|up|1-00:00:00|2|drained*|128|gpu:h800:8(S:0-1)\n"
        "gpu*|up|1-00:00:00|2|idle~|64|gpu:t4:4\n"
        "cpu|down|infinite|3|idle|96|(null)\n"
        "none|up|30:00|0|n/a|0|(null)\n"
        "a line that is none of it\n");
    ASSERT_EQ(partitions.size(), 3U);
    EXPECT_EQ(partitions[0],
              (PartitionFacts{
                  "gpu", true, "1-00:00:00", 86400, 64, 62, 64, {{"h800", 8}, {"t4", 4}}, true}));
    EXPECT_EQ(partitions[1],
              (PartitionFacts{"cpu", false, "infinite", std::nullopt, 3, 3, 96, {}, false}));
    EXPECT_EQ(partitions[2], (PartitionFacts{"none", true, "30:00", 1800, 0, 0, 0, {}, false}));
}

TEST(ClusterFacts, NodesThatTakeNoJobsAreNotUsable) {
    for (const char* state : {"down", "down*", "drained", "draining", "drng", "fail", "inval",
                              "idle*", "maint", "idle$", "unknown", "allocated+drain"}) {
        const auto partitions =
            parse_partitions(std::string("p|up|infinite|1|") + state + "|8|(null)");
        EXPECT_EQ(partitions.at(0).usable_nodes, 0) << state;
    }
    for (const char* state : {"idle", "mixed", "allocated", "completing", "idle~", "idle#",
                              "powered_down", "planned", "reserved", "mixed-", "idle%"}) {
        const auto partitions =
            parse_partitions(std::string("p|up|infinite|1|") + state + "|8|(null)");
        EXPECT_EQ(partitions.at(0).usable_nodes, 1) << state;
    }
}

TEST(ClusterFacts, ConfigurationIsReadByItsKeys) {
    const auto values = parse_config(
        "Configuration data as of 2026-11-21T20:26:01\n"
        "AccountingStorageTRES   = cpu,mem,gres/gpu,gres/gpu:h800\n"
        "KillWait                = 30 sec\n\nSlurmctld(primary) at head is UP\n");
    EXPECT_EQ(values.at("AccountingStorageTRES"), "cpu,mem,gres/gpu,gres/gpu:h800");
    EXPECT_EQ(values.at("KillWait"), "30 sec");
    EXPECT_EQ(values.size(), 2U);
}

TEST(ClusterFacts, MpiPluginsOfEveryVersionOfSrun) {
    const std::vector<std::string> wanted = {"none", "pmi2", "pmix", "pmix_v4"};
    EXPECT_EQ(parse_mpi_plugins("MPI plugin types are...\n\tnone\n\tpmi2\n\tpmix\n"
                                "specific pmix plugin versions available: pmix_v4\n"),
              wanted);
    EXPECT_EQ(parse_mpi_plugins("srun: MPI types are...\nsrun: none\nsrun: pmi2\nsrun: pmix\n"
                                "srun: pmix_v4\n"),
              wanted);
    EXPECT_TRUE(parse_mpi_plugins("").empty());
}

}  // namespace
}  // namespace r1
