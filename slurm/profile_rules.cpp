// SPDX-License-Identifier: Apache-2.0
#include "slurm/profile_rules.h"

#include <string>
#include <vector>

#include "recipes/relation.h"

namespace r1 {

namespace {

std::string item_path(const std::string& list, std::size_t index) {
    return list + "." + std::to_string(index);
}

/// `items` are clusters or partitions.
template <class Item>
void check_unique_names(const std::vector<Item>& items, const std::string& list,
                        Relations& relations) {
    for (std::size_t i = 0; i < items.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
            if (items[i].name != items[j].name) continue;
            relations.require(false, item_path(list, i) + ".name", item_path(list, j) + ".name",
                              "two " + list.substr(list.rfind('.') + 1) + " are named " +
                                  in_quotes(items[i].name));
            break;
        }
}

void check_default_partition(const ClusterProfile& cluster, const std::string& path,
                             Relations& relations) {
    if (cluster.partition.empty() || cluster.partitions.empty()) return;
    std::vector<std::string> names;
    for (const PartitionProfile& partition : cluster.partitions) {
        if (partition.name == cluster.partition) return;
        names.push_back(partition.name);
    }
    relations.require(false, path + ".partition",
                      "cluster " + in_quotes(cluster.name) + " has no partition " +
                          in_quotes(cluster.partition) + did_you_mean(cluster.partition, names));
}

void check_cluster(const ClusterProfile& cluster, const std::string& path, Relations& relations) {
    check_unique_names(cluster.partitions, path + ".partitions", relations);
    check_default_partition(cluster, path, relations);
    relations.require(
        !cluster.mpi.empty() || cluster.launcher != RankLauncher::kSrun, path + ".mpi",
        path + ".launcher",
        "srun needs 'mpi', or its ranks do not find each other; `srun --mpi=list` shows the names");
    if (!cluster.container.empty())
        relations.require(!cluster.container.front().starts_with('-'), path + ".container",
                          "container begins with an option; its first word is a program");
}

}  // namespace

void check_profile_rules(const ClusterFile& file, const Origins& origins, Problems& problems) {
    Relations relations(origins, problems);
    check_unique_names(file.clusters, "clusters", relations);
    for (std::size_t i = 0; i < file.clusters.size(); ++i)
        check_cluster(file.clusters[i], item_path("clusters", i), relations);
}

}  // namespace r1
