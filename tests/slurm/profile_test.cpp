// SPDX-License-Identifier: Apache-2.0
// Cluster files: reading, merging, choosing and freezing.
#include <stdlib.h>

#include "slurm/profile_schema.h"
#include "tests/slurm/profile_fixture.h"

namespace r1::testing {

using ProfileFile = ProfileTest;
using ProfileMerge = ProfileTest;
using ProfileChoice = ProfileTest;
using FrozenProfile = ProfileTest;

TEST_F(ProfileFile, EveryKeyIsRead) {
    const std::vector<ClusterProfile> clusters = load(kAlps);
    ASSERT_EQ(clusters.size(), 1u);
    const ClusterProfile& alps = clusters[0];
    EXPECT_EQ(alps.name, "alps");
    EXPECT_EQ(alps.account, "m1234");
    EXPECT_EQ(alps.modules, std::vector<std::string>{"openmpi/4.1"});
    EXPECT_EQ(alps.environment, (std::map<std::string, std::string>{{"NCCL_DEBUG", "WARN"}}));
    EXPECT_EQ(alps.shared_folders, std::vector<std::string>{"/scratch"});
    ASSERT_EQ(alps.partitions.size(), 2u);
    const PartitionProfile& gpu = alps.partitions[0];
    EXPECT_EQ(gpu.gpu_type, "h800");
    EXPECT_EQ(gpu.gpus_per_node, 8);
    EXPECT_EQ(gpu.cores_per_node, 128);
    EXPECT_EQ(gpu.nodes, 64);
    EXPECT_EQ(gpu.time_limit.seconds, 86400);
    EXPECT_EQ(gpu.price_per_gpu_hour, HourlyPrice{2'000'000});
    EXPECT_EQ(gpu.price_per_core_hour, HourlyPrice{10'000});
    EXPECT_EQ(alps.partitions[1].price_per_gpu_hour, std::nullopt);
}

TEST_F(ProfileFile, DefaultsAreThoseOfAPlainCluster) {
    const ClusterProfile cluster = load("clusters: [{name: a, partitions: [{name: p}]}]\n").at(0);
    EXPECT_EQ(cluster.launcher, RankLauncher::kSrun);
    EXPECT_EQ(cluster.mpi, "pmix");
    EXPECT_EQ(cluster.gpu_request, GpuRequest::kGpusPerNode);
    EXPECT_FALSE(cluster.exclusive);
    EXPECT_TRUE(cluster.requeue);
    EXPECT_TRUE(cluster.exclude_bad_nodes);
    EXPECT_EQ(cluster.kill_wait.seconds, 30);
    EXPECT_EQ(cluster.currency, "USD");
    EXPECT_TRUE(cluster.modules.empty());
    EXPECT_TRUE(cluster.environment.empty());
}

TEST_F(ProfileFile, WhatIsNoClusterFileIsCalledOne) {
    EXPECT_EQ(report_of({"no.yaml"}),
              "no.yaml:1:1: cannot open the cluster file: No such file or directory");
    EXPECT_EQ(report_of({"."}), ".:1:1: this is a folder, not a cluster file");
    EXPECT_EQ(report(""), "c.yaml:1:1: the cluster file is empty");
    EXPECT_EQ(report("- a\n"),
              "c.yaml:1:1: a cluster file is a map of keys, as in 'clusters:'\n  - a\n  ^");
    EXPECT_EQ(report("a: &a b\n"),
              "c.yaml:1:1: unknown key 'a'\n  a: &a b\n  ^\n"
              "c.yaml:1:1: missing: the cluster file has no 'clusters'\n  a: &a b\n  ^\n"
              "c.yaml:1:4: an anchor (&name); write the value out\n  a: &a b\n     ^");
    EXPECT_EQ(
        report("clusters: []\n"),
        "c.yaml:1:11: 'clusters' needs a list of clusters, each beginning with '- name: ...', "
        "not an empty list\n  clusters: []\n            ^");
    write("big.yaml", "");
    std::filesystem::resize_file("big.yaml", 2 << 20);
    EXPECT_EQ(
        report_of({"big.yaml"}),
        "big.yaml:1:1: the file is larger than 1 MiB, the most a cluster file may have; is it "
        "a cluster file?");
}

TEST_F(ProfileFile, HostileTextIsRefusedWithoutBeingPrinted) {
    EXPECT_EQ(report(std::string_view("a\0b", 3)).find('\0'), std::string::npos);
    EXPECT_EQ(report("clusters: \x1B[31m\n").find('\x1B'), std::string::npos);
    EXPECT_NE(report("clusters: caf\xE9\n").find("is not UTF-8, as a cluster file must be"),
              std::string::npos);
    std::string deep = "clusters: ";
    for (int i = 0; i < 10'000; ++i) deep += "[";
    EXPECT_NE(report(deep).find("nested deeper than 16 levels"), std::string::npos);
    std::string many = "clusters: [";
    for (int i = 0; i < 10'000; ++i) many += "a,";
    EXPECT_NE(report(many).find("more than 6000 values; a cluster file needs far fewer"),
              std::string::npos);
    std::string long_list = "clusters:\n";
    for (int i = 0; i < 65; ++i) long_list += "  - {name: c" + std::to_string(i) + "}\n";
    EXPECT_NE(report(long_list).find("65 clusters; a cluster file has at most 64"),
              std::string::npos);
}

TEST_F(ProfileFile, EveryProblemIsReportedAtOnce) {
    EXPECT_EQ(report("clusters:\n  - nmae: a\n    exclusive: yes\n    partitions: [p]\n"),
              "c.yaml:2:5: unknown key 'nmae'; did you mean 'name'?\n    - nmae: a\n      ^\n"
              "c.yaml:2:5: missing: this cluster has no 'name'\n    - nmae: a\n      ^\n"
              "c.yaml:3:16: exclusive needs true or false, not 'yes'; write true\n"
              "      exclusive: yes\n                 ^\n"
              "c.yaml:4:18: a partition needs a map of keys, not 'p'\n"
              "      partitions: [p]\n                   ^");
}

TEST_F(ProfileMerge, UsersFileRefinesTheSitesKeyByKey) {
    write("site.yaml", kAlps);
    write("user.yaml",
          "clusters:\n  - name: alps\n    account: mine\n    modules: [a, b]\n"
          "    environment: {OMP_PROC_BIND: close, NCCL_DEBUG: INFO}\n"
          "    partitions:\n      - {name: debug, nodes: 2}\n      - {name: extra}\n"
          "  - {name: home, partitions: [{name: main}]}\n");
    const auto clusters = load_profiles({"site.yaml", "user.yaml"});
    ASSERT_EQ(clusters.size(), 2u);
    EXPECT_EQ(clusters[0].account, "mine");
    EXPECT_EQ(clusters[0].mpi, "pmix");
    EXPECT_EQ(clusters[0].modules, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(clusters[0].environment, (std::map<std::string, std::string>{
                                           {"NCCL_DEBUG", "INFO"}, {"OMP_PROC_BIND", "close"}}));
    ASSERT_EQ(clusters[0].partitions.size(), 3u);
    EXPECT_EQ(clusters[0].partitions[0].gpus_per_node, 8);
    EXPECT_EQ(clusters[0].partitions[1].nodes, 2);
    EXPECT_EQ(clusters[0].partitions[2].name, "extra");
    EXPECT_EQ(clusters[1].name, "home");
}

TEST_F(ProfileMerge, ProblemsPointIntoTheFileOfTheValue) {
    write("site.yaml", broken("nodes: 64", "nodes: -1"));
    write("user.yaml",
          "clusters:\n  - name: alps\n    partition: gpuu\n    launcher: srun\n    mpi: \"\"\n");
    EXPECT_EQ(report_of({"site.yaml", "user.yaml"}),
              "site.yaml:16:16: nodes must be from 0 to 1000000, not '-1'\n"
              "          nodes: -1\n                 ^\n"
              "user.yaml:3:16: cluster 'alps' has no partition 'gpuu'; did you mean 'gpu'?\n"
              "      partition: gpuu\n                 ^\n"
              "user.yaml:5:10: srun needs 'mpi', or its ranks do not find each other; `srun "
              "--mpi=list` shows the names (launcher is set at user.yaml:4:15)\n"
              "      mpi: \"\"\n           ^");
}

TEST_F(ProfileMerge, FileThatIsNoYamlHidesTheRest) {
    write("site.yaml", "clusters: [\n");
    write("user.yaml", "clusters:\n  - name: alps\n    account: x\n");
    const std::string text = report_of({"site.yaml", "user.yaml"});
    EXPECT_EQ(text.substr(0, 20), "site.yaml:1:11: not ");
    EXPECT_EQ(text.find("user.yaml"), std::string::npos);
}

TEST_F(ProfileMerge, FilesAreTheVariablesOrThoseThatExist) {
    const std::filesystem::path user = folder() / ".config/r1ctl/clusters.yaml";
    const auto without_site = [] {
        auto files = profile_files();
        std::erase(files, "/etc/r1ctl/clusters.yaml");
        return files;
    };
    using Files = std::vector<std::filesystem::path>;
    EXPECT_EQ(without_site(), Files{});
    std::filesystem::create_directories(user.parent_path());
    write(user.string(), kAlps);
    EXPECT_EQ(without_site(), Files{user});
    std::filesystem::create_directories("xdg/r1ctl");
    write("xdg/r1ctl/clusters.yaml", kAlps);
    ::setenv("XDG_CONFIG_HOME", (folder() / "xdg").c_str(), 1);
    EXPECT_EQ(without_site(), Files{folder() / "xdg/r1ctl/clusters.yaml"});
    ::setenv("R1CTL_CLUSTERS", user.c_str(), 1);
    EXPECT_EQ(profile_files(), Files{user});
    ::setenv("R1CTL_CLUSTERS", "/no/such", 1);
    EXPECT_EQ(
        usage_error(profile_files),
        "$R1CTL_CLUSTERS names '/no/such', and there is no such file; correct it, or unset it");
    EXPECT_TRUE(load_profiles({}).empty());
}

TEST_F(ProfileChoice, NameThenVariableThenTheOnlyOne) {
    std::vector<ClusterProfile> clusters = load(kAlps);
    EXPECT_EQ(choose_cluster(clusters, "").name, "alps");
    clusters.push_back(clusters[0]);
    clusters[1].name = "daint";
    EXPECT_EQ(choose_cluster(clusters, "daint").name, "daint");
    EXPECT_EQ(usage_error([&] { choose_cluster(clusters, ""); }),
              "there are 2 clusters; name one with --cluster or in $R1CTL_CLUSTER: alps, daint");
    EXPECT_EQ(usage_error([&] { choose_cluster(clusters, "alp"); }),
              "no cluster is named 'alp' (there are alps, daint); did you mean 'alps'?");
    ::setenv("R1CTL_CLUSTER", "daint", 1);
    EXPECT_EQ(choose_cluster(clusters, "").name, "daint");
    EXPECT_EQ(choose_cluster(clusters, "alps").name, "alps");
    ::setenv("R1CTL_CLUSTER", "gone", 1);
    EXPECT_EQ(usage_error([&] { choose_cluster(clusters, ""); }),
              "no cluster is named 'gone', as $R1CTL_CLUSTER says (there are alps, daint)");
    EXPECT_EQ(usage_error([&] { choose_cluster({}, ""); }),
              "no cluster is described; write '" + folder().string() +
                  "/.config/r1ctl/clusters.yaml', or name one in $R1CTL_CLUSTERS");
}

TEST_F(ProfileChoice, PartitionIsTheNamedTheDefaultOrTheFirst) {
    ClusterProfile alps = load(kAlps).at(0);
    EXPECT_EQ(alps.find_partition("debug").name, "debug");
    EXPECT_EQ(alps.find_partition().name, "gpu");
    alps.partition = "debug";
    EXPECT_EQ(alps.find_partition().name, "debug");
    alps.partition = "";
    EXPECT_EQ(alps.find_partition().name, "gpu");
    EXPECT_EQ(usage_error([&] { alps.find_partition("debgu"); }),
              "cluster 'alps' has no partition 'debgu' (it has gpu, debug); did you mean 'debug'?");
}

TEST_F(FrozenProfile, LoadsAsAnEqualProfile) {
    ClusterProfile cluster = load(kAlps).at(0);
    EXPECT_EQ(load(freeze_profile(cluster)), std::vector{cluster}) << freeze_profile(cluster);
    cluster.name = "null";
    cluster.constraint = "[a|b]&c # d: e";
    cluster.launcher = RankLauncher::kMpirun;
    cluster.mpi = "";
    cluster.modules = {"a, b", "c]", "d: e", "\"f\"\\", "null"};
    cluster.environment = {{"A", ""}, {"null", "{x: [y]}, z"}, {"C", "caf\xC3\xA9 $HOME `id`"}};
    cluster.submit_options = {"--mail-type=END,FAIL", "-v"};
    cluster.container = {"apptainer", "exec", "--nv", "a b.sif"};
    const std::string frozen = freeze_profile(cluster);
    EXPECT_EQ(load(frozen), std::vector{cluster}) << frozen;
    EXPECT_EQ(freeze_profile(load(frozen).at(0)), frozen);
}

TEST_F(FrozenProfile, WritesEveryValueOut) {
    const std::string frozen = freeze_profile(load(kAlps).at(0));
    for (const std::string_view line :
         {"clusters:\n  - name: alps\n    partition: gpu\n    account: m1234\n    qos: \"\"\n",
          "    kill_wait: 30s\n    submit_options: []\n", "    modules: [\"openmpi/4.1\"]\n",
          "    environment: {\"NCCL_DEBUG\": \"WARN\"}\n",
          "    partitions:\n      - name: gpu\n        gpu_type: h800\n",
          "        price_per_gpu_hour: 2.00\n", "      - name: debug\n        gpu_type: \"\"\n"})
        EXPECT_NE(frozen.find(line), std::string::npos) << line << frozen;
}

TEST(ProfileReference, MentionsEveryKeyWithItsHelp) {
    const std::string page = profile_reference();
    const Table& clusters = *cluster_form().table->lists[0].table;
    for (const Table* table : {&clusters, clusters.lists[0].table})
        for (const Row& row : table->rows) {
            EXPECT_NE(page.find("| `" + std::string(row.key) + "` |"), std::string::npos)
                << row.key;
            EXPECT_NE(page.find(row.help), std::string::npos) << row.help;
        }
    EXPECT_NE(page.find("\n## `clusters[].partitions`\n"), std::string::npos);
}

}  // namespace r1::testing
