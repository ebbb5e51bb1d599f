// SPDX-License-Identifier: Apache-2.0
// What a cluster says about itself: sinfo, scontrol show config, srun --mpi=list. Text in explicit
// formats; each parser is a function of its own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace r1 {

/// GPUs of one kind on one node.
struct GpuCount {
    std::string type;  ///< as Slurm calls it, "h800"; empty: the cluster does not say
    std::int64_t count = 0;
    friend bool operator==(const GpuCount&, const GpuCount&) = default;
};

struct PartitionFacts {
    std::string name;
    bool up = false;
    std::string time_limit_text;               ///< as Slurm writes it: "2-00:00:00", "infinite"
    std::optional<std::int64_t> time_limit_s;  ///< absent: none
    std::int64_t nodes = 0;
    std::int64_t usable_nodes = 0;    ///< neither down, drained, failed nor under maintenance
    std::int64_t cores_per_node = 0;  ///< of its smallest node, as Slurm counts them (CPUs)
    std::vector<GpuCount> gpus;       ///< of a node; unlike nodes add what they have of other kinds
    bool is_default = false;
    friend bool operator==(const PartitionFacts&, const PartitionFacts&) = default;
};

/// The GPUs in a node's GRES: "gpu:h800:8(S:0-1)", "gpu:8", "gpu:a100:2,gpu:t4:1,nic:2", "(null)".
std::vector<GpuCount> parse_gres(std::string_view text);

/// "2-00:00:00", "30:00" (minutes first), "90" (minutes); nullopt for "infinite" and what is none.
std::optional<std::int64_t> parse_time_limit(std::string_view text);

/// The lines of sinfo in the format below, one for each kind of node and state; in their order.
inline constexpr const char* kPartitionFormat = "%P|%a|%l|%D|%T|%c|%G";
std::vector<PartitionFacts> parse_partitions(std::string_view text);

/// Asks sinfo about every partition, or `only` one. Throws Error (kScheduler) with sinfo's own
/// words when it fails or is missing. A partition that does not exist is an empty list.
std::vector<PartitionFacts> read_partitions(const std::string& only = "");

/// `scontrol show config` by its keys: {"KillWait", "30 sec"}.
std::map<std::string, std::string> parse_config(std::string_view text);
std::map<std::string, std::string> read_config();  ///< throws as read_partitions()

/// What `srun --mpi=list` names: "none", "pmi2", "pmix", "pmix_v4".
std::vector<std::string> parse_mpi_plugins(std::string_view text);
std::vector<std::string> read_mpi_plugins();  ///< throws as read_partitions()

}  // namespace r1
