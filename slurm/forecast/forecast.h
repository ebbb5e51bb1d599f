// SPDX-License-Identifier: Apache-2.0
// What a run will need before it is started: memory per device, time per step by phase, hours,
// device-hours. Each phase takes the longest of what its arithmetic, its memory traffic and its
// messages need (the roofline of Williams et al. 2009), each at a stated efficiency.
#pragma once

#include <string>
#include <vector>

#include "recipes/recipe.h"
#include "slurm/forecast/efficiencies.h"
#include "slurm/forecast/hardware.h"
#include "slurm/forecast/layout.h"
#include "slurm/forecast/model_count.h"
#include "slurm/forecast/stage_forecast.h"

namespace r1 {

struct RunForecast {
    std::vector<StageForecast> stages;
    double start_seconds = 0;  ///< before the first step
    double evaluation_seconds = 0;
    double save_seconds = 0;  ///< for which the ranks stand still
    double seconds = 0;       ///< of everything, in one attempt
    Layout layout;
    Hardware hardware;
    Efficiencies efficiencies;
    std::vector<std::string> assumptions;  ///< a sentence each, for people
};

/// Pure. Stages without layouts of their own run on `layout`. Throws Error (kUsage) when the
/// parallel section does not divide the layout's ranks.
RunForecast forecast_run(const Recipe& recipe, const Layout& layout, const Hardware& hardware,
                         const Efficiencies& efficiencies);

/// The stages' own resources are `layout` with their ranks where they ask for others.
Layout layout_of_stage(const Recipe& recipe, const StageSection& stage, const Layout& layout);

/// The nearest layout in which every stage fits, as what has to be typed for it: "--set
/// parallel.zero=3 --set resources.ranks=32: 70.0 GB of 80.0 GB a device"; an empty text when none
/// of those that are tried does. Tried in this order, so that what comes later changes least often:
/// smaller micro-batches, recomputing, ZeRO, more ranks, tensor, expert, pipeline.
std::string nearest_fit(const Recipe& recipe, const Layout& layout, const Hardware& hardware);

}  // namespace r1
