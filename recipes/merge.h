// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <filesystem>
#include <optional>

#include "recipes/yaml_tree.h"

namespace r1 {

/// The sources of one recipe. Places point into it, so it outlives them; a deque never moves them.
using Sources = std::deque<Source>;

/// Reads a recipe file and, through `base:`, those it refines, and merges them: maps key by key,
/// stages by name, and the refining value wins. Adds what is wrong with any of them. nullopt when
/// there is no whole tree to go on with.
std::optional<YamlNode> read_merged(const std::filesystem::path& file, Sources& sources,
                                    Problems& problems);

}  // namespace r1
