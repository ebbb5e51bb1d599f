// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "recipes/merge.h"

namespace r1 {

/// Puts the values of --set into the tree, where they stand as if the recipe had said them; their
/// places point into the arguments. The last of two for one key wins. Adds what is wrong.
void apply_overrides(const std::vector<std::string>& overrides, YamlNode& tree, Sources& sources,
                     Problems& problems);

}  // namespace r1
