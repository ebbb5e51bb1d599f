// SPDX-License-Identifier: Apache-2.0
// A cluster described once, so that recipes stay portable. Read from the site's file and the user's
// (clusters.yaml), with the checks and messages of recipes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/money.h"
#include "common/units.h"
#include "recipes/choices.h"
#include "recipes/recipe.h"

namespace r1 {

/// How a job asks for GPUs: --gpus-per-node, --gres, or not at all (a cluster without GRES).
enum class GpuRequest { kGpusPerNode, kGres, kNone };
enum class RankLauncher { kSrun, kMpirun };

template <>
std::span<const std::string_view> choice_names<GpuRequest>();
template <>
std::span<const std::string_view> choice_names<RankLauncher>();

struct PartitionProfile {
    std::string name;
    std::string gpu_type;             ///< as Slurm calls it, "h800"; empty: asked without a type
    std::int64_t gpus_per_node = 0;   ///< 0: no GPUs
    std::int64_t cores_per_node = 0;  ///< 0: not known
    std::int64_t nodes = 0;           ///< 0: not known
    Duration time_limit;              ///< the longest job; 0s: not known
    std::optional<HourlyPrice> price_per_gpu_hour;
    std::optional<HourlyPrice> price_per_core_hour;
    friend bool operator==(const PartitionProfile&, const PartitionProfile&) = default;
};

enum class BudgetPeriod { kTotal, kMonth };

template <>
std::span<const std::string_view> choice_names<BudgetPeriod>();

/// What a user or an account may spend on runs of this cluster.
struct BudgetRow {
    std::string name;
    std::string user;     ///< empty: everybody together
    std::string account;  ///< empty: all together
    std::optional<Amount> amount;
    std::string currency;                        ///< empty: the cluster's
    BudgetPeriod period = BudgetPeriod::kTotal;  ///< month: of the calendar, in UTC
    friend bool operator==(const BudgetRow&, const BudgetRow&) = default;
};

struct ClusterProfile {
    std::string name;
    std::string partition;  ///< where jobs go unless they say otherwise; empty: the first
    std::string account;
    std::string qos;
    std::string constraint;
    std::string currency;
    RankLauncher launcher = RankLauncher::kSrun;
    std::string mpi;  ///< srun's --mpi
    GpuRequest gpu_request = GpuRequest::kGpusPerNode;
    bool exclusive = false;         ///< whole nodes: all their GPUs are paid for
    bool requeue = true;            ///< the site lets a job be queued again under its id
    bool exclude_bad_nodes = true;  ///< go on without a node on which ranks died
    Duration kill_wait;             ///< between SIGTERM and SIGKILL at the time limit (KillWait)
    std::vector<std::string> submit_options;    ///< further ones of sbatch
    std::vector<std::string> launcher_options;  ///< further ones of srun or mpirun
    std::vector<std::string> modules;           ///< loaded before anything starts
    std::vector<std::string> container;         ///< words before the rank program
    std::map<std::string, std::string> environment;
    std::vector<std::string> shared_folders;  ///< the nodes see these
    std::vector<PriceRow> prices;
    std::vector<BudgetRow> budgets;
    std::vector<PartitionProfile> partitions;
    friend bool operator==(const ClusterProfile&, const ClusterProfile&) = default;

    /// By name, or with an empty name the one where jobs go. Throws Error (kUsage) with the nearest
    /// name and the list.
    const PartitionProfile& find_partition(const std::string& wanted = "") const;
};

/// $R1CTL_CLUSTERS if it is set, otherwise /etc/r1ctl/clusters.yaml and then
/// ~/.config/r1ctl/clusters.yaml ($XDG_CONFIG_HOME), those that exist. Throws Error (kUsage) when
/// $R1CTL_CLUSTERS names a file that does not.
std::vector<std::filesystem::path> profile_files();

/// All clusters of the files. A later file refines an earlier one's cluster of the same name, key
/// by key, and partitions by their name. Throws RecipeError with every problem, as for a recipe.
std::vector<ClusterProfile> load_profiles(const std::vector<std::filesystem::path>& files);

/// The cluster named `wanted`; with an empty name $R1CTL_CLUSTER, then the only one. Throws Error
/// (kUsage) with the names that there are.
const ClusterProfile& choose_cluster(const std::vector<ClusterProfile>& clusters,
                                     const std::string& wanted);

/// YAML with every value written out, as one file with one cluster: what a run keeps.
std::string freeze_profile(const ClusterProfile& profile);

/// Every key of clusters.yaml, as Markdown.
std::string profile_reference();

}  // namespace r1
