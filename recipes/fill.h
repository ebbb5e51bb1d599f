// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "recipes/recipe.h"
#include "recipes/schema.h"
#include "recipes/yaml_tree.h"

namespace r1 {

/// Where the values of a recipe stand, by path: "model.hidden_size", "stages.0.optimizer.beta1".
struct Origins {
    std::map<std::string, Place> values;    ///< what the recipe sets
    std::map<std::string, Place> sections;  ///< the maps; "" is the recipe itself
    std::set<std::string> failed;           ///< missing or refused: not worth a second complaint
};

/// Walks the tree and the schema together: fills `recipe` with values and defaults, notes where
/// they stand, and adds every unknown key, wrong type, value out of range and missing key.
void fill_recipe(const YamlNode& tree, Recipe& recipe, Origins& origins, Problems& problems);

/// "; did you mean 'x'?", "; it belongs under 'x'" or an empty text, for a key that `table` lacks.
std::string suggest_key(const Table& table, std::string_view key, StageKinds kinds);

}  // namespace r1
