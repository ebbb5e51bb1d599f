// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>

#include "cli/commands/doctor.h"
#include "common/units.h"

namespace r1::cli {

namespace {

/// A YAML scalar: in double quotes unless it is a plain word.
std::string scalar(const std::string& text) {
    constexpr std::array kReserved{"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    const auto plain = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
    };
    std::string lower;
    for (const char c : text)
        lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const bool word = !text.empty() &&
                      std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
                      std::all_of(text.begin(), text.end(), plain) &&
                      std::find(kReserved.begin(), kReserved.end(), lower) == kReserved.end();
    if (word) return text;
    std::string quoted = "\"";
    for (const char c : text)
        quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return quoted + "\"";
}

std::string value_of(const std::map<std::string, std::string>& config, const char* key) {
    const auto found = config.find(key);
    return found == config.end() ? "" : found->second;
}

/// KillWait is written "30 sec".
std::string kill_wait_line(const std::map<std::string, std::string>& config) {
    const std::string text = value_of(config, "KillWait");
    const std::string digits = text.substr(0, text.find_first_not_of("0123456789"));
    if (digits.empty() || digits.size() > 6) return "";
    return "    kill_wait: " + to_string(Duration{std::stoll(digits)}) + "\n";
}

std::string launcher_lines(const std::vector<std::string>& plugins) {
    const auto has = [&](const char* name) {
        return std::find(plugins.begin(), plugins.end(), name) != plugins.end();
    };
    if (has("pmix")) return "    launcher: srun\n    mpi: pmix\n";
    const std::string why = "    # srun has no pmix here, so mpirun starts the ranks\n";
    return why + "    launcher: mpirun\n";
}

std::string partition_lines(const PartitionFacts& partition) {
    std::string text = "      - name: " + scalar(partition.name) + "\n";
    if (!partition.gpus.empty()) {
        const GpuCount& gpu = partition.gpus.front();
        if (!gpu.type.empty()) text += "        gpu_type: " + scalar(gpu.type) + "\n";
        text += "        gpus_per_node: " + std::to_string(gpu.count) + "\n";
    }
    for (std::size_t i = 1; i < partition.gpus.size(); ++i)
        text += "        # other nodes of it have " + std::to_string(partition.gpus[i].count) +
                " x " + partition.gpus[i].type + "\n";
    if (partition.cores_per_node > 0)
        text += "        cores_per_node: " + std::to_string(partition.cores_per_node) + "\n";
    if (partition.nodes > 0) text += "        nodes: " + std::to_string(partition.nodes) + "\n";
    if (partition.time_limit_s)
        text += "        time_limit: " + to_string(Duration{*partition.time_limit_s}) + "\n";
    if (!partition.gpus.empty())
        text += "        # price_per_gpu_hour: 2.00    fill in, or costs stay unpriced\n";
    return text + "        # price_per_core_hour: 0.02\n";
}

}  // namespace

std::string profile_text(const std::vector<PartitionFacts>& partitions,
                         const std::map<std::string, std::string>& config,
                         const std::vector<std::string>& mpi_plugins) {
    const std::string name = value_of(config, "ClusterName");
    std::string text =
        "# Made by r1ctl doctor --profile from what Slurm says. Every key: r1ctl recipe "
        "clusters.\n"
        "clusters:\n  - name: " +
        scalar(name.empty() ? "cluster" : name) + "\n";
    for (const PartitionFacts& partition : partitions)
        if (partition.is_default) text += "    partition: " + scalar(partition.name) + "\n";
    const bool gpus = std::any_of(partitions.begin(), partitions.end(),
                                  [](const PartitionFacts& p) { return !p.gpus.empty(); });
    text += "    # account: NAME           where jobs must name one\n    currency: USD\n";
    text += launcher_lines(mpi_plugins);
    text += gpus ? "    gpu_request: gpus-per-node\n" : "    gpu_request: none\n";
    if (value_of(config, "JobRequeue") == "0") text += "    requeue: false\n";
    text += kill_wait_line(config);
    text += "    # shared_folders: [/scratch]    folders that the nodes see\n";
    if (partitions.empty()) return text;
    text += "    partitions:\n";
    for (const PartitionFacts& partition : partitions) text += partition_lines(partition);
    return text;
}

}  // namespace r1::cli
