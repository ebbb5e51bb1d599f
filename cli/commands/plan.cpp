// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/plan.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/commands/plan_pipeline.h"
#include "cli/known_clusters.h"
#include "cli/plan_report.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "recipes/load.h"
#include "slurm/billing/rate.h"
#include "slurm/profile.h"

namespace r1::cli {

namespace {

/// The cluster that is named, the only one, or none.
std::optional<ClusterProfile> planned_cluster(const PlanOptions& options) {
    if (options.cluster.empty() && !options.hardware.empty()) return std::nullopt;
    const bool asks = !options.cluster.empty() || !options.partition.empty() || options.nodes > 0;
    if (profile_files().empty() && !asks) return std::nullopt;
    return choose_cluster(known_clusters(), options.cluster);
}

/// Whether a rank has a GPU where there is no cluster to say so.
bool uses_gpus(const Recipe& recipe, const PlanOptions& options) {
    if (!options.hardware.empty()) return options.hardware != "cpu";
    return recipe.resources.device == DeviceKind::kCuda ||
           (recipe.resources.device == DeviceKind::kAuto && !recipe.resources.gpu_type.empty());
}

ForecastWishes wishes_of(const PlanOptions& options) {
    ForecastWishes wishes;
    wishes.hardware = options.hardware;
    if (!options.calibrate.empty())
        wishes.calibration =
            calibrate(find_run(std::filesystem::absolute(options.runs), options.calibrate));
    return wishes;
}

/// The recipes of a pipeline say where they run, and there are many.
void refuse_recipe_options(const PlanOptions& options) {
    const bool given = !options.overrides.empty() || !options.cluster.empty() ||
                       !options.partition.empty() || options.nodes > 0 ||
                       !options.hardware.empty() || !options.calibrate.empty();
    if (given)
        throw Error(ExitCode::kUsage, options.recipe.string() +
                                          " is a pipeline, which takes no option but --json; plan "
                                          "one of its recipes to change what is assumed");
}

}  // namespace

void add_plan(CLI::App& app, Context& context) {
    auto options = std::make_shared<PlanOptions>();
    CLI::App* command =
        app.add_subcommand("plan", "Foresee memory, time and cost of a recipe, and run nothing");
    command->add_option("recipe", options->recipe, "Recipe file, or pipeline file")->required();
    command->add_option("--set", options->overrides, "Override a key: --set stages.rl.steps=50")
        ->allow_extra_args(false);
    command->add_option("--cluster", options->cluster, "Cluster of the cluster file");
    command->add_option("--partition", options->partition, "Partition (default: the cluster's)");
    command->add_option("--nodes", options->nodes, "Nodes, in the place of the recipe's ranks")
        ->check(CLI::PositiveNumber);
    command->add_option("--hardware", options->hardware,
                        "Type of GPU, or cpu: in the place of the cluster's");
    command->add_option("--calibrate", options->calibrate,
                        "Take efficiencies and lengths from this run's metrics");
    command->add_flag("--json", options->json, "Print JSON (schema 1)");
    add_runs_option(*command, options->runs);
    command->footer("Exit code 2 when a stage does not fit its devices.");
    command->callback([options, &context] { context.exit_code = run_plan(*options, context); });
}

int run_plan(const PlanOptions& options, Context& context) {
    if (is_pipeline(options.recipe)) {
        refuse_recipe_options(options);
        return plan_pipeline(options.recipe, options.json, context);
    }
    Recipe recipe = load_recipe(options.recipe, options.overrides);
    const std::optional<ClusterProfile> cluster = planned_cluster(options);
    const std::vector<JobPlan> plans =
        cluster ? plan_jobs(recipe, *cluster, {options.partition, options.nodes})
                : local_plans(recipe, uses_gpus(recipe, options));
    recipe.cost = cluster ? frozen_prices(recipe.cost, *cluster) : with_currencies(recipe.cost);
    const std::vector<JobForecast> jobs = forecast_jobs(recipe, plans, wishes_of(options));
    if (options.json)
        context.out << plan_json(recipe, jobs).dump(2) << '\n';
    else
        print_plan(recipe, jobs, context.out);
    int exit_code = 0;
    for (const JobForecast& job : jobs) {
        if (job.misfit.empty()) continue;
        if (options.json) context.err << "r1ctl: does not fit: " << job.misfit << '\n';
        exit_code = static_cast<int>(ExitCode::kUsage);
    }
    return exit_code;
}

}  // namespace r1::cli
