// SPDX-License-Identifier: Apache-2.0
#include "slurm/pipeline/pipeline_forecast.h"

#include <cmath>

#include "common/error.h"
#include "recipes/load.h"
#include "slurm/pipeline/pipeline_bill.h"

namespace r1 {

namespace {

Hardware hardware_of(const std::string& gpu_type, const std::filesystem::path& file) {
    if (const auto found = find_hardware(gpu_type)) return *found;
    throw Error(ExitCode::kUsage, file.string() + ": nothing is known of the GPU '" + gpu_type +
                                      "'; name one that is in resources.gpu_type");
}

Layout layout_of(const ResourcesSection& resources, const Hardware& hardware) {
    const std::int64_t per_node =
        resources.ranks_per_node > 0 ? resources.ranks_per_node : hardware.per_node;
    Layout layout;
    layout.ranks = resources.ranks;
    layout.nodes = (resources.ranks + per_node - 1) / per_node;
    layout.threads_per_rank = resources.threads_per_rank;
    layout.gpus = true;
    return layout;
}

}  // namespace

double RecipeForecast::gpu_hours() const {
    return hours() * static_cast<double>(run.layout.ranks);
}

double RowForecast::hours() const {
    double sum = 0;
    for (const RecipeForecast& one : recipes) sum += one.hours();
    return sum;
}

double RowForecast::gpu_hours() const {
    double sum = 0;
    for (const RecipeForecast& one : recipes) sum += one.gpu_hours();
    return sum;
}

const std::vector<Assumption>& doubtful_assumptions() {
    static const std::vector<Assumption> kAll{
        {"outputs half as long", &Efficiencies::token_share, 0.5},
        {"outputs twice as long", &Efficiencies::token_share, 2},
        {"training at half the efficiency", &Efficiencies::training, 0.5},
        {"training at 1.5 times the efficiency", &Efficiencies::training, 1.5},
        {"decoding at half the efficiency", &Efficiencies::decode, 0.5},
        {"decoding at 1.5 times the efficiency", &Efficiencies::decode, 1.5},
        {"the network at half the efficiency", &Efficiencies::network, 0.5},
        {"the network at 1.4 times the efficiency", &Efficiencies::network, 1.4},
    };
    return kAll;
}

RowForecast forecast_row(const PipelineRow& row, const Pipeline& pipeline) {
    return forecast_row(row, pipeline, {"", &Efficiencies::token_share, 1});
}

RowForecast forecast_row(const PipelineRow& row, const Pipeline& pipeline,
                         const Assumption& changed) {
    RowForecast forecast;
    for (const std::filesystem::path file : row.recipes) {
        Recipe recipe = load_recipe(file);
        const std::string& named = recipe.resources.gpu_type;
        const Hardware hardware = hardware_of(named.empty() ? pipeline.gpu_type : named, file);
        const Layout layout = layout_of(recipe.resources, hardware);
        Efficiencies efficiencies = assumed_efficiencies(layout);
        efficiencies.*changed.of *= changed.factor;
        RunForecast run = forecast_run(recipe, layout, hardware, efficiencies);
        forecast.recipes.push_back({file, std::move(recipe), std::move(run)});
    }
    return forecast;
}

Money predicted_cost(double gpu_hours, HourlyPrice price) {
    constexpr double kMillisecondsPerHour = 3.6e6;
    return Money::of(price,
                     static_cast<std::int64_t>(std::llround(gpu_hours * kMillisecondsPerHour)));
}

double error_percent(const PipelineRow& row, const RowForecast& forecast) {
    const auto published = static_cast<double>(bill_of(row, HourlyPrice{}).gpu_hours);
    return (forecast.gpu_hours() / published - 1) * 100;
}

}  // namespace r1
