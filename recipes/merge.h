// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <filesystem>
#include <optional>
#include <string>

#include "recipes/schema.h"
#include "recipes/yaml_tree.h"

namespace r1 {

/// The sources of one recipe or profile. Places point into it, so it outlives them; a deque never
/// moves them.
using Sources = std::deque<Source>;

/// A further source of this form, to be given its text.
Source& add_source(const FileForm& form, std::string name, Sources& sources);

/// Reads and parses one file. `named_at` is where another file names it. Adds what is wrong with
/// it. nullopt when there is no whole tree to go on with.
std::optional<YamlNode> read_tree(const FileForm& form, const std::filesystem::path& file,
                                  Sources& sources, Problems& problems,
                                  std::optional<Place> named_at = std::nullopt);

/// Merges a file's tree into the one that it refines: maps key by key, items of the table's lists
/// by name, and the refining value wins.
void merge_tree(const Table& table, YamlNode& base, YamlNode refining);

/// Reads a recipe file and, through `base:`, those it refines, and merges them. Adds what is wrong
/// with any of them. nullopt when there is no whole tree to go on with.
std::optional<YamlNode> read_merged(const std::filesystem::path& file, Sources& sources,
                                    Problems& problems);

}  // namespace r1
