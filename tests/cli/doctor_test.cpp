// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/doctor.h"

#include <gtest/gtest.h>

#include <fstream>

#include "cli/diagnosis.h"
#include "slurm/profile.h"
#include "tests/common/temporary_folder.h"

namespace r1::cli {
namespace {

std::vector<PartitionFacts> partitions() {
    return parse_partitions(
        "gpu*|up|1-00:00:00|64|mixed|128|gpu:h800:8(S:0-1)\n"
        "mixed.2|up|2:00:00|2|idle|32|gpu:4,gpu:t4:2\n"
        "1st|up|infinite|3|idle|96|(null)\n"
        "null|down|infinite|0|n/a|0|(null)\n");
}

std::vector<ClusterProfile> loaded(const std::string& text) {
    const TemporaryFolder folder;
    std::ofstream(folder / "clusters.yaml") << text;
    return load_profiles({folder / "clusters.yaml"});
}

TEST(Doctor, ProfileMadeFromWhatSlurmSaysLoads) {
    const std::string text = profile_text(
        partitions(), {{"ClusterName", "east"}, {"KillWait", "45 sec"}, {"JobRequeue", "0"}},
        {"none", "pmix"});
    const std::vector<ClusterProfile> clusters = loaded(text);
    ASSERT_EQ(clusters.size(), 1U) << text;
    const ClusterProfile& east = clusters.front();
    EXPECT_EQ(east.name, "east");
    EXPECT_EQ(east.partition, "gpu");
    EXPECT_EQ(east.kill_wait.seconds, 45);
    EXPECT_EQ(east.mpi, "pmix");
    EXPECT_FALSE(east.requeue);
    ASSERT_EQ(east.partitions.size(), 4U);
    EXPECT_EQ(east.partitions[0].gpu_type, "h800");
    EXPECT_EQ(east.partitions[0].gpus_per_node, 8);
    EXPECT_EQ(east.partitions[0].cores_per_node, 128);
    EXPECT_EQ(east.partitions[0].nodes, 64);
    EXPECT_EQ(east.partitions[0].time_limit.seconds, 86400);
    EXPECT_EQ(east.partitions[1].gpu_type, "");
    EXPECT_EQ(east.partitions[2].name, "1st");
    EXPECT_EQ(east.partitions[3].name, "null");
    EXPECT_NE(text.find("# price_per_gpu_hour: "), std::string::npos);
}

TEST(Doctor, ProfileOfAClusterThatSaysLittleLoadsToo) {
    const auto clusters =
        loaded(profile_text(parse_partitions("cpu|up|infinite|1|idle|2|(null)"), {}, {}));
    EXPECT_EQ(clusters.at(0).launcher, RankLauncher::kMpirun);
    EXPECT_EQ(clusters.at(0).gpu_request, GpuRequest::kNone);
}

TEST(Doctor, PartitionIsOneLine) {
    EXPECT_EQ(partition_text(partitions().at(0)),
              "up, 64 of 64 nodes usable, 128 cores and 8 h800 GPUs each, at most 1d a job");
    EXPECT_EQ(partition_text(partitions().at(2)),
              "up, 3 of 3 nodes usable, 96 cores each, no time limit");
}

}  // namespace
}  // namespace r1::cli
