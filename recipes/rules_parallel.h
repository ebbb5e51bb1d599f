// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "recipes/recipe.h"
#include "recipes/relation.h"

namespace r1 {

/// Whether the ranks and every model can be cut into the parts that `parallel` says. The stages'
/// resources and models are already those that they inherit.
void check_parallel(const Recipe& recipe, Relations& relations);

}  // namespace r1
