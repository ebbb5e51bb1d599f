// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "recipes/fill.h"
#include "recipes/recipe.h"

namespace r1 {

/// Resolves what depends on other keys (a 0 that means "as many as ...", a model inherited from the
/// stage before) and adds every rule between keys that does not hold, naming both places.
void check_rules(Recipe& recipe, const Origins& origins, Problems& problems);

}  // namespace r1
