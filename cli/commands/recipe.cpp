// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/recipe.h"

#include <CLI/CLI.hpp>
#include <ostream>

#include "recipes/load.h"
#include "slurm/profile.h"

namespace r1::cli {

void add_recipe(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("recipe", "About recipes");
    command->require_subcommand(1);
    CLI::App* reference = command->add_subcommand("reference", "Print every key, as Markdown");
    reference->callback([&context] { context.exit_code = run_recipe_reference(context); });
    CLI::App* clusters =
        command->add_subcommand("clusters", "Print every key of the cluster file, as Markdown");
    clusters->callback([&context] { context.exit_code = run_clusters_reference(context); });
}

int run_recipe_reference(Context& context) {
    context.out << recipe_reference();
    return 0;
}

int run_clusters_reference(Context& context) {
    context.out << profile_reference();
    return 0;
}

}  // namespace r1::cli
