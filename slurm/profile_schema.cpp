// SPDX-License-Identifier: Apache-2.0
#include "slurm/profile_schema.h"

#include <array>

#include "slurm/profile_words.h"

namespace r1 {

namespace {

constexpr std::array<std::string_view, 3> kGpuRequestNames{"gpus-per-node", "gres", "none"};
constexpr std::array<std::string_view, 2> kRankLauncherNames{"srun", "mpirun"};
constexpr std::array<std::string_view, 2> kBudgetPeriodNames{"total", "month"};
constexpr std::size_t kMostClusters = 64;
constexpr std::size_t kMostPartitions = 256;
constexpr std::size_t kMostBudgets = 1024;

constexpr Range between(double low, double high) {
    return {.low = low, .high = high};
}

template <auto Member>
Row text(std::string_view key, Fallback fallback, TextCheck check, std::string_view help) {
    return row<Member>(key, fallback, "", {}, help, kAnyStage, check);
}

const Table& partition_table() {
    using S = PartitionProfile;
    static const Table table{
        {
            text<&S::name>("name", kRequired, check_present_argument, "As Slurm calls it."),
            text<&S::gpu_type>("gpu_type", "", check_gpu_type,
                               "Slurm's name of its GPUs; empty: asked for without a type."),
            row<&S::gpus_per_node>("gpus_per_node", "0", "GPUs", between(0, 1024),
                                   "GPUs of one node; 0: it has none."),
            row<&S::cores_per_node>("cores_per_node", "0", "cores", between(0, 65536),
                                    "CPU cores of one node; 0: not known."),
            row<&S::nodes>("nodes", "0", "nodes", between(0, 1e6),
                           "Nodes of the partition; 0: not known."),
            row<&S::time_limit>("time_limit", "0s", "", {},
                                "The longest that a job may take here; 0s: not known."),
            row<&S::price_per_gpu_hour>("price_per_gpu_hour", kAbsent, "currency/h", {},
                                        "Price of one GPU for one hour; absent: unpriced."),
            row<&S::price_per_core_hour>("price_per_core_hour", kAbsent, "currency/h", {},
                                         "Price of one CPU core for one hour; absent: unpriced."),
        },
        {}};
    return table;
}

const Table& budget_table() {
    using S = BudgetRow;
    static const Table table{
        {
            text<&S::name>("name", kRequired, check_present_argument, "What messages call it."),
            text<&S::user>("user", "", check_argument, "Whose runs; empty: everybody's together."),
            text<&S::account>("account", "", check_argument,
                              "Paid by which account; empty: all together."),
            row<&S::amount>("amount", kRequired, "currency", {},
                            "The most that they may cost together."),
            text<&S::currency>("currency", "", check_currency_or_none,
                               "Three capital letters; empty: the cluster's."),
            row<&S::period>("period", "total", "", {},
                            "For ever, or in each month of the calendar (UTC)."),
        },
        {}};
    return table;
}

std::vector<Row> submission_rows() {
    using S = ClusterProfile;
    return {
        text<&S::name>("name", kRequired, check_present_argument, "What you call the cluster."),
        text<&S::partition>("partition", "", check_argument,
                            "Where jobs go unless they say otherwise; empty: the first."),
        text<&S::account>("account", "", check_argument, "The account that pays; empty: yours."),
        text<&S::qos>("qos", "", check_argument, "The quality of service; empty: the default."),
        text<&S::constraint>("constraint", "", check_argument,
                             "Features that the nodes must have; empty: any."),
        text<&S::currency>("currency", "USD", check_currency, "The currency of the prices."),
        row<&S::gpu_request>("gpu_request", "gpus-per-node", "", {},
                             "The option that asks for GPUs; none on a cluster without GRES."),
        row<&S::exclusive>("exclusive", "false", "", {},
                           "Jobs take whole nodes; all of their GPUs and cores are paid for."),
        row<&S::requeue>("requeue", "true", "", {},
                         "The site lets a job be queued again under its id."),
        row<&S::exclude_bad_nodes>("exclude_bad_nodes", "true", "", {},
                                   "Go on without a node on which ranks died."),
        row<&S::kill_wait>("kill_wait", "30s", "", {},
                           "Between SIGTERM and SIGKILL at the time limit, as Slurm's KillWait."),
        text<&S::submit_options>("submit_options", "", check_submit_option,
                                 "Further options of sbatch, one word each: --option=value."),
    };
}

std::vector<Row> start_rows() {
    using S = ClusterProfile;
    Row environment = row<&S::environment>(
        "environment", "", "", {},
        "Variables of every rank. No secrets: they are written into the job script.", kAnyStage,
        check_value);
    environment.check_key = check_variable;
    return {
        row<&S::launcher>("launcher", "srun", "", {}, "What starts the ranks on the nodes."),
        text<&S::mpi>("mpi", "pmix", check_argument,
                      "srun's --mpi; `srun --mpi=list` shows what the cluster has."),
        text<&S::launcher_options>("launcher_options", "", check_launcher_option,
                                   "Further options of the launcher, one word each."),
        text<&S::modules>("modules", "", check_present_argument,
                          "Modules that are loaded before anything starts."),
        text<&S::container>("container", "", check_word,
                            "Words before the rank program: [apptainer, exec, --nv, r1ctl.sif]."),
        environment,
        text<&S::shared_folders>("shared_folders", "", check_folder,
                                 "Folders that the nodes see; a run must lie in one of them. "
                                 "Empty: not known."),
    };
}

const Table& cluster_table() {
    static const Table table = [] {
        Table made{submission_rows(), {}};
        for (const Row& row : start_rows()) made.rows.push_back(row);
        made.lists.push_back(price_list<&ClusterProfile::prices>());
        made.lists.push_back(list<&ClusterProfile::budgets>(
            "budgets", "budget", "a cluster", kMostBudgets, budget_table(),
            "A list: what users and accounts may spend; `submit` refuses what could exceed it.", {},
            true));
        made.lists.push_back(list<&ClusterProfile::partitions>(
            "partitions", "partition", "a cluster", kMostPartitions, partition_table(),
            "A list: the partitions that runs may go to."));
        return made;
    }();
    return table;
}

const Table& file_table() {
    static const Table table{
        {},
        {},
        {list<&ClusterFile::clusters>("clusters", "cluster", "a cluster file", kMostClusters,
                                      cluster_table(),
                                      "A list. A later file refines an earlier one's cluster of "
                                      "the same name, key by key.")}};
    return table;
}

}  // namespace

template <>
std::span<const std::string_view> choice_names<GpuRequest>() {
    return kGpuRequestNames;
}

template <>
std::span<const std::string_view> choice_names<RankLauncher>() {
    return kRankLauncherNames;
}

template <>
std::span<const std::string_view> choice_names<BudgetPeriod>() {
    return kBudgetPeriodNames;
}

const FileForm& cluster_form() {
    static const FileForm form{"cluster file", "cluster file", "clusters:", false, &file_table()};
    return form;
}

}  // namespace r1
