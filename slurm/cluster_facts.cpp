// SPDX-License-Identifier: Apache-2.0
#include "slurm/cluster_facts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "slurm/slurm_command.h"

namespace r1 {

namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    std::size_t start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != separator) continue;
        parts.push_back(text.substr(start, i - start));
        start = i + 1;
    }
    parts.push_back(text.substr(start));
    return parts;
}

/// "gpu:a100:4(S:0,2),nic:1" without what is in parentheses: commas stand there too.
std::string without_parentheses(std::string_view text) {
    std::string kept;
    int depth = 0;
    for (const char c : text) {
        if (c == '(') ++depth;
        if (depth == 0) kept += c;
        if (c == ')' && depth > 0) --depth;
    }
    return kept;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// The number that the text begins with, and what stands after it: "128+" is 128 and "+".
std::optional<std::int64_t> leading_number(std::string_view text, std::string_view* rest) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{} || number < 0) return std::nullopt;
    *rest = text.substr(static_cast<std::size_t>(parsed.ptr - text.data()));
    return number;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::string_view rest;
    const auto number = leading_number(text, &rest);
    return rest.empty() ? number : std::nullopt;
}

std::int64_t number_or_zero(std::string_view text) {
    std::string_view rest;
    return leading_number(trimmed(text), &rest).value_or(0);
}

/// sinfo(1), NODE STATE CODES. A flag may follow: '*' is a node that does not respond, '$' one in a
/// maintenance reservation; the others (powered down, booting, planned) still take jobs.
bool takes_jobs(std::string_view state) {
    if (state.find_first_of("*$") != std::string_view::npos) return false;
    constexpr std::array kUnusable = {"down",    "drain",      "drng", "fail",   "err",     "inval",
                                      "unknown", "no_respond", "n/a",  "future", "perfctrs"};
    // "maint" too is a reservation of the administrators.
    if (state.find("maint") != std::string_view::npos) return false;
    // "powered_down" and "powering_down" nodes are started for a job.
    if (state.find("power") != std::string_view::npos) return true;
    return std::none_of(kUnusable.begin(), kUnusable.end(), [&](const char* word) {
        return state.find(word) != std::string_view::npos;
    });
}

/// A line of sinfo is one kind of node: what it has beyond the lines before it is added.
void add_gpus(PartitionFacts& partition, const std::vector<GpuCount>& gpus) {
    for (const GpuCount& gpu : gpus) {
        const auto known = std::find_if(partition.gpus.begin(), partition.gpus.end(),
                                        [&](const GpuCount& g) { return g.type == gpu.type; });
        if (known == partition.gpus.end())
            partition.gpus.push_back(gpu);
        else
            known->count = std::max(known->count, gpu.count);
    }
}

PartitionFacts& partition_named(std::vector<PartitionFacts>& partitions, std::string_view name) {
    for (PartitionFacts& partition : partitions)
        if (partition.name == name) return partition;
    partitions.emplace_back();
    partitions.back().name = name;
    return partitions.back();
}

void add_line(std::vector<PartitionFacts>& partitions, std::string_view line) {
    const std::vector<std::string_view> fields = split(line, '|');
    if (fields.size() < 7) return;
    std::string_view name = trimmed(fields[0]);
    const bool is_default = name.ends_with('*');
    if (is_default) name.remove_suffix(1);
    if (name.empty()) return;
    PartitionFacts& partition = partition_named(partitions, name);
    partition.is_default = is_default;
    partition.up = trimmed(fields[1]) == "up";
    partition.time_limit_text = trimmed(fields[2]);
    partition.time_limit_s = parse_time_limit(partition.time_limit_text);
    const std::int64_t nodes = number_or_zero(fields[3]);
    if (nodes == 0) return;
    partition.nodes += nodes;
    if (takes_jobs(trimmed(fields[4]))) partition.usable_nodes += nodes;
    const std::int64_t cores = number_or_zero(fields[5]);
    if (cores > 0 && (partition.cores_per_node == 0 || cores < partition.cores_per_node))
        partition.cores_per_node = cores;
    add_gpus(partition, parse_gres(trimmed(fields[6])));
}

constexpr std::chrono::seconds kLimit{30};

}  // namespace

std::vector<GpuCount> parse_gres(std::string_view text) {
    std::vector<GpuCount> gpus;
    const std::string plain = without_parentheses(text);
    for (const std::string_view entry : split(plain, ',')) {
        const std::vector<std::string_view> words = split(trimmed(entry), ':');
        if (words.front() != "gpu" || words.size() > 3) continue;
        GpuCount gpu{"", 1};  // "gpu" alone, or with a type, is one
        const auto count = words.size() > 1 ? whole_number(words.back()) : std::nullopt;
        if (count) gpu.count = *count;
        if (words.size() == 3 || (words.size() == 2 && !count)) gpu.type = words[1];
        if (gpu.count > 0) gpus.push_back(gpu);
    }
    return gpus;
}

std::optional<std::int64_t> parse_time_limit(std::string_view text) {
    std::int64_t days = 0;
    const std::size_t dash = text.find('-');
    if (dash != std::string_view::npos) {
        const auto number = whole_number(text.substr(0, dash));
        if (!number || *number > 100'000) return std::nullopt;
        days = *number;
        text.remove_prefix(dash + 1);
    }
    std::vector<std::int64_t> parts;
    for (const std::string_view word : split(text, ':')) {
        const auto number = whole_number(word);
        if (!number || *number > 1'000'000'000) return std::nullopt;
        parts.push_back(*number);
    }
    if (parts.size() > 3) return std::nullopt;
    // After days hours come first; without them one number is minutes, and two end in seconds.
    const bool hours_first = dash != std::string_view::npos || parts.size() == 3;
    if (!hours_first) parts.insert(parts.begin(), 0);
    parts.resize(3);
    return ((days * 24 + parts[0]) * 60 + parts[1]) * 60 + parts[2];
}

std::vector<PartitionFacts> parse_partitions(std::string_view text) {
    std::vector<PartitionFacts> partitions;
    for (const std::string_view line : split(text, '\n')) add_line(partitions, line);
    return partitions;
}

std::vector<PartitionFacts> read_partitions(const std::string& only) {
    // --exact: one line for each kind of node, and no "64+" for several.
    std::vector<std::string> words = {"sinfo", "-h", "--exact", "-o", kPartitionFormat};
    if (!only.empty()) words.insert(words.end(), {"-p", only});
    return parse_partitions(call_slurm(words, kLimit).captured.output);
}

std::map<std::string, std::string> parse_config(std::string_view text) {
    std::map<std::string, std::string> values;
    for (const std::string_view line : split(text, '\n')) {
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string_view key = trimmed(line.substr(0, equals));
        if (!key.empty() && key.find(' ') == std::string_view::npos)
            values[std::string(key)] = trimmed(line.substr(equals + 1));
    }
    return values;
}

std::map<std::string, std::string> read_config() {
    return parse_config(call_slurm({"scontrol", "show", "config"}, kLimit).captured.output);
}

std::vector<std::string> parse_mpi_plugins(std::string_view text) {
    std::vector<std::string> plugins;
    for (const std::string_view line : split(text, '\n')) {
        const std::string_view whole = trimmed(line);
        // "MPI plugin types are..." and its like, and older ones with "srun: " before each line.
        if (whole.find("are...") != std::string_view::npos) continue;
        const std::size_t colon = whole.rfind(':');
        const std::string_view list =
            colon == std::string_view::npos ? whole : whole.substr(colon + 1);
        for (const std::string_view word : split(list, ',')) {
            const std::string name(trimmed(word));
            if (name.empty() || name.find(' ') != std::string::npos) continue;
            if (std::find(plugins.begin(), plugins.end(), name) == plugins.end())
                plugins.push_back(name);
        }
    }
    return plugins;
}

std::vector<std::string> read_mpi_plugins() {
    const Captured captured = call_slurm({"srun", "--mpi=list"}, kLimit).captured;
    return parse_mpi_plugins(captured.output + "\n" + captured.errors);  // stderr before 22.05
}

}  // namespace r1
