// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "recipes/schema.h"
#include "recipes/yaml_tree.h"

namespace r1 {

/// Where the values of a file stand, by path: "model.hidden_size", "stages.0.optimizer.beta1".
struct Origins {
    std::map<std::string, Place> values;    ///< what the file sets
    std::map<std::string, Place> sections;  ///< the maps; "" is the file itself
    std::set<std::string> failed;           ///< missing or refused: not worth a second complaint
};

/// Walks the tree and the form's table together: fills `object`, of the table's parent type, with
/// values and defaults, notes where they stand, and adds every unknown key, wrong type, value out
/// of range and missing key.
void fill_file(const FileForm& form, const YamlNode& tree, void* object, Origins& origins,
               Problems& problems);

}  // namespace r1
