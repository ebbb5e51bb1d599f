// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "recipes/recipe.h"
#include "recipes/relation.h"

namespace r1 {

/// Checks what stages say of each other: unique names, `from` and `data`. A stage without a model
/// of its own inherits that of the stage it starts from.
void link_stages(Recipe& recipe, Relations& relations);

}  // namespace r1
