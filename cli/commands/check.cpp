// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/check.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/known_clusters.h"
#include "cli/output/numbers.h"
#include "cli/runs_folder.h"
#include "cli/submitting.h"
#include "common/error.h"
#include "common/text.h"
#include "recipes/load.h"
#include "slurm/billing/rate.h"
#include "slurm/plan.h"
#include "slurm/preflight.h"
#include "slurm/profile.h"

namespace r1::cli {

namespace {

/// A run that is not made: what preflight() looks at.
Submission planned_submission(const Recipe& recipe, const ClusterProfile& profile) {
    return make_submission(
        RunDirectory(std::filesystem::absolute(default_runs_folder()) / make_run_id(recipe.name)),
        recipe, profile);
}

int check_cluster(Recipe recipe, const CheckOptions& options, Context& context) {
    const std::vector<ClusterProfile> clusters = known_clusters();
    const ClusterProfile& profile = choose_cluster(clusters, options.cluster);
    const std::vector<JobPlan> plans = plan_jobs(recipe, profile);
    recipe.cost = frozen_prices(recipe.cost, profile);
    const Submission submission = planned_submission(recipe, profile);
    const auto scheduler = context.make_scheduler();
    int exit_code = 0;
    for (const Finding& finding : preflight(submission, plans, *scheduler)) {
        std::ostream& stream = finding.fatal ? context.err : context.out;
        stream << (finding.fatal ? "error: " : "note: ") << printable(finding.message) << '\n';
        if (finding.fatal) exit_code = static_cast<int>(ExitCode::kScheduler);
    }
    print_plans(plans, recipe, context.out);
    if (exit_code == 0) context.out << "next: r1ctl submit " << options.recipe.string() << '\n';
    return exit_code;
}

}  // namespace

void add_check(CLI::App& app, Context& context) {
    auto options = std::make_shared<CheckOptions>();
    CLI::App* command = app.add_subcommand("check", "Show every error of a recipe at once");
    command->add_option("recipe", options->recipe, "Recipe file")->required();
    command->add_option("--set", options->overrides, "Override a key: --set stages.rl.steps=50")
        ->allow_extra_args(false);
    CLI::Option* cluster =
        command->add_option("--cluster", options->cluster, "Also ask this cluster, or the only one")
            ->expected(0, 1)
            ->type_name("[NAME]");
    command->footer("Exit code 2 for an error of the recipe, 3 for what the cluster would refuse.");
    command->callback([options, cluster, &context] {
        options->ask_cluster = cluster->count() > 0;
        context.exit_code = run_check(*options, context);
    });
}

int run_check(const CheckOptions& options, Context& context) {
    const CheckedRecipe checked = check_recipe(options.recipe, options.overrides);
    const Recipe& recipe = checked.recipe;
    std::int64_t steps = 0;
    for (const StageSection& stage : recipe.stages) steps += stage.steps;
    context.out << options.recipe.string() << ": ok ("
                << counted(static_cast<std::int64_t>(recipe.stages.size()), "stage") << ", "
                << counted(steps, "step") << ", " << counted(recipe.resources.ranks, "rank")
                << " x " << counted(recipe.resources.threads_per_rank, "thread") << ")\n";
    for (const Problem& limit : checked.untrainable)
        context.out << "note: " << printable(limit.place.file) << ':' << limit.place.line << ':'
                    << limit.place.column << ": " << limit.message << '\n';
    return options.ask_cluster ? check_cluster(recipe, options, context) : 0;
}

}  // namespace r1::cli
