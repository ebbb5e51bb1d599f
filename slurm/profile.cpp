// SPDX-License-Identifier: Apache-2.0
#include "slurm/profile.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/error.h"
#include "recipes/fill.h"
#include "recipes/freeze.h"
#include "recipes/merge.h"
#include "recipes/reference.h"
#include "slurm/profile_rules.h"
#include "slurm/profile_schema.h"

namespace r1 {

namespace {

/// Empty when it is not set.
std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

bool is_there(const std::filesystem::path& file) {
    std::error_code failed;
    return std::filesystem::exists(file, failed);
}

std::filesystem::path user_file() {
    std::filesystem::path folder = variable("XDG_CONFIG_HOME");
    // The rule of XDG: a relative path is no path.
    if (!folder.is_absolute()) {
        const std::filesystem::path home = variable("HOME");
        if (!home.is_absolute()) return {};
        folder = home / ".config";
    }
    return folder / "r1ctl" / "clusters.yaml";
}

/// The names of clusters or partitions.
template <class Item>
std::vector<std::string> names_of(const std::vector<Item>& items) {
    std::vector<std::string> names;
    for (const Item& item : items) names.push_back(item.name);
    return names;
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + escaped(name);
    return text;
}

[[noreturn]] void refuse(const std::string& message) {
    throw Error(ExitCode::kUsage, message);
}

template <class Item>
const Item* find_named(const std::vector<Item>& items, const std::string& name) {
    const auto found = std::find_if(items.begin(), items.end(),
                                    [&](const Item& item) { return item.name == name; });
    return found == items.end() ? nullptr : &*found;
}

/// The trees of all files as one. nullopt when one is no YAML: it may hold what the others lack,
/// and later complaints would be guesses.
std::optional<YamlNode> read_all(const std::vector<std::filesystem::path>& files, Sources& sources,
                                 Problems& problems) {
    std::optional<YamlNode> merged;
    bool whole = true;
    for (const std::filesystem::path& file : files) {
        std::optional<YamlNode> tree = read_tree(cluster_form(), file, sources, problems);
        if (!tree)
            whole = false;
        else if (merged)
            merge_tree(*cluster_form().table, *merged, std::move(*tree));
        else
            merged = std::move(tree);
    }
    return whole ? merged : std::nullopt;
}

}  // namespace

const PartitionProfile& ClusterProfile::find_partition(const std::string& wanted) const {
    if (partitions.empty()) refuse("cluster " + in_quotes(name) + " has no partitions");
    const std::string& looked_for = wanted.empty() ? partition : wanted;
    if (looked_for.empty()) return partitions.front();
    if (const PartitionProfile* found = find_named(partitions, looked_for)) return *found;
    const std::vector<std::string> names = names_of(partitions);
    refuse("cluster " + in_quotes(name) + " has no partition " + in_quotes(looked_for) +
           " (it has " + joined(names) + ")" + did_you_mean(looked_for, names));
}

std::vector<std::filesystem::path> profile_files() {
    if (const std::string named = variable("R1CTL_CLUSTERS"); !named.empty()) {
        if (!is_there(named))
            refuse("$R1CTL_CLUSTERS names " + in_quotes(named) +
                   ", and there is no such file; correct it, or unset it");
        return {named};
    }
    std::vector<std::filesystem::path> files{"/etc/r1ctl/clusters.yaml", user_file()};
    std::erase_if(files, [](const auto& file) { return file.empty() || !is_there(file); });
    return files;
}

std::vector<ClusterProfile> load_profiles(const std::vector<std::filesystem::path>& files) {
    Sources sources;
    Problems problems;
    const std::optional<YamlNode> tree = read_all(files, sources, problems);
    if (!tree) {
        problems.throw_if_any();
        return {};
    }
    ClusterFile file;
    Origins origins;
    fill_file(cluster_form(), *tree, &file, origins, problems);
    check_profile_rules(file, origins, problems);
    problems.throw_if_any();
    return std::move(file.clusters);
}

const ClusterProfile& choose_cluster(const std::vector<ClusterProfile>& clusters,
                                     const std::string& wanted) {
    if (clusters.empty())
        refuse("no cluster is described; write " +
               (user_file().empty() ? "a cluster file" : in_quotes(user_file().string())) +
               ", or name one in $R1CTL_CLUSTERS");
    const std::vector<std::string> names = names_of(clusters);
    const std::string name = wanted.empty() ? variable("R1CTL_CLUSTER") : wanted;
    if (name.empty() && clusters.size() == 1) return clusters.front();
    if (name.empty())
        refuse("there are " + std::to_string(clusters.size()) +
               " clusters; name one with --cluster or in $R1CTL_CLUSTER: " + joined(names));
    if (const ClusterProfile* found = find_named(clusters, name)) return *found;
    refuse("no cluster is named " + in_quotes(name) +
           (wanted.empty() ? ", as $R1CTL_CLUSTER says" : "") + " (there are " + joined(names) +
           ")" + did_you_mean(name, names));
}

std::string freeze_profile(const ClusterProfile& profile) {
    const ClusterFile file{{profile}};
    return freeze_file(*cluster_form().table, &file);
}

std::string profile_reference() {
    return "# Cluster reference\n\n"
           "Made from the schema in `slurm/`. A cluster file describes clusters once, so that\n"
           "recipes stay portable: `/etc/r1ctl/clusters.yaml` is the site's, and\n"
           "`~/.config/r1ctl/clusters.yaml` refines it. `$R1CTL_CLUSTERS` names another file\n"
           "instead of both.\n" +
           reference_tables(cluster_form());
}

}  // namespace r1
