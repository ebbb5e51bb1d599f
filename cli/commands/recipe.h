// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace r1::cli {

void add_recipe(CLI::App& app, Context& context);  // flags only
/// `recipe reference`: every key of a recipe, as Markdown.
int run_recipe_reference(Context& context);
/// `recipe clusters`: every key of clusters.yaml, as Markdown.
int run_clusters_reference(Context& context);

}  // namespace r1::cli
