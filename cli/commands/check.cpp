// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/check.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/output/numbers.h"
#include "recipes/load.h"

namespace r1::cli {

void add_check(CLI::App& app, Context& context) {
    auto options = std::make_shared<CheckOptions>();
    CLI::App* command = app.add_subcommand("check", "Show every error of a recipe at once");
    command->add_option("recipe", options->recipe, "Recipe file")->required();
    command->add_option("--set", options->overrides, "Override a key: --set stages.rl.steps=50")
        ->allow_extra_args(false);
    command->callback([options, &context] { context.exit_code = run_check(*options, context); });
}

int run_check(const CheckOptions& options, Context& context) {
    const Recipe recipe = load_recipe(options.recipe, options.overrides);
    std::int64_t steps = 0;
    for (const StageSection& stage : recipe.stages) steps += stage.steps;
    context.out << options.recipe.string() << ": ok ("
                << counted(static_cast<std::int64_t>(recipe.stages.size()), "stage") << ", "
                << counted(steps, "step") << ", " << counted(recipe.resources.ranks, "rank")
                << " x " << counted(recipe.resources.threads_per_rank, "thread") << ")\n";
    return 0;
}

}  // namespace r1::cli
