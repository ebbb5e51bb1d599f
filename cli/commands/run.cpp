// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/run.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "checkpoint/run_directory.h"
#include "cli/budgets.h"
#include "cli/rank_program.h"
#include "cli/runs_folder.h"
#include "cli/supervisor.h"
#include "common/time.h"
#include "recipes/load.h"
#include "slurm/billing/budget.h"

namespace r1::cli {

void add_run(CLI::App& app, Context& context) {
    auto options = std::make_shared<RunOptions>();
    CLI::App* command = app.add_subcommand("run", "Train here and now, with mpirun");
    command->add_option("recipe", options->recipe, "Recipe file")->required();
    command->add_option("--set", options->overrides, "Override a key: --set stages.rl.steps=50")
        ->allow_extra_args(false);
    command->add_option("--name", options->name, "Name of the run (default: the recipe's)");
    command->add_flag("--quiet", options->quiet, "No progress, only the report");
    add_runs_option(*command, options->runs);
    command->callback([options, &context] { context.exit_code = run_run(*options, context); });
}

int run_run(const RunOptions& options, Context& context) {
    std::vector<std::string> overrides = options.overrides;
    if (!options.name.empty()) overrides.push_back("name=" + options.name);
    const Recipe recipe = load_trainable_recipe(options.recipe, overrides);
    const auto rank_program = find_rank_program();
    budget_end(recipe.cost, {}, rates_of(recipe.cost, "", ""), local_allocation(recipe),
               utc_milliseconds());  // refuses what cannot be counted before anything is made
    // Absolute, so that the ranks find it from anywhere.
    const RunDirectory run = create_run(std::filesystem::absolute(options.runs),
                                        make_run_id(recipe.name), freeze_recipe(recipe));
    context.err << "run " << run.run_id() << ": " << recipe.resources.ranks << " ranks, "
                << recipe.stages.size() << " stages, in " << run.root().string() << std::endl;
    return supervise(run, recipe, {rank_program, options.quiet}, context);
}

}  // namespace r1::cli
