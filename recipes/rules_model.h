// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "recipes/recipe.h"
#include "recipes/relation.h"

namespace r1 {

/// The rules of one model: its attention, grouped-query or latent, and its experts. Fills in the
/// numbers that follow from others. `path` is that of the section, "stages.0.model".
void check_model(ModelSection& model, const std::string& path, Relations& relations);

}  // namespace r1
