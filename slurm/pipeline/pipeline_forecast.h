// SPDX-License-Identifier: Apache-2.0
// What the performance model alone says of a pipeline's recipes: nothing that is published of their
// cost goes into it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/money.h"
#include "recipes/recipe.h"
#include "slurm/forecast/forecast.h"
#include "slurm/pipeline/pipeline_file.h"

namespace r1 {

struct RecipeForecast {
    std::filesystem::path file;
    Recipe recipe;
    RunForecast run;

    double hours() const { return run.seconds / 3600; }
    double gpu_hours() const;
};

/// The recipes of one row, one after another.
struct RowForecast {
    std::vector<RecipeForecast> recipes;

    double hours() const;
    double gpu_hours() const;
};

/// A factor on one thing that is assumed.
struct Assumption {
    std::string what;  ///< "outputs twice as long"
    double Efficiencies::*of = nullptr;
    double factor = 1;
};
/// Those that most of a forecast hangs on, each down and up.
const std::vector<Assumption>& doubtful_assumptions();

/// Each on the ranks of its `resources`, on the GPU that it names or else the pipeline's, at the
/// assumed efficiencies. Throws Error (kUsage) for a GPU of which nothing is known, and
/// RecipeError.
RowForecast forecast_row(const PipelineRow& row, const Pipeline& pipeline);
/// The same with one assumption changed.
RowForecast forecast_row(const PipelineRow& row, const Pipeline& pipeline,
                         const Assumption& changed);

/// To the millisecond of one GPU: an amount is never a binary fraction.
Money predicted_cost(double gpu_hours, HourlyPrice price);

/// How far the forecast's GPU-hours are from the published ones, in percent of those; the row is
/// published.
double error_percent(const PipelineRow& row, const RowForecast& forecast);

}  // namespace r1
