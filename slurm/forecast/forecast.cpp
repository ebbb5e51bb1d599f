// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/forecast.h"

#include <algorithm>
#include <cmath>

#include "slurm/forecast/assumptions.h"
#include "slurm/forecast/machine.h"

namespace r1 {

namespace {

double real(std::int64_t value) {
    return static_cast<double>(value);
}

std::int64_t times_within(std::int64_t steps, std::int64_t every) {
    if (every == 0) return 1;
    return (steps + every - 1) / every;
}

/// Saves of a stage: at its end, and as often as the recipe says.
double saves_of(const StageForecast& stage, const CheckpointSection& checkpoint, double save,
                const Layout& layout) {
    switch (checkpoint.interval) {
        case SaveInterval::kSteps:
            return real(times_within(stage.steps, checkpoint.every_steps));
        case SaveInterval::kTime:
            return 1 + std::floor(stage.seconds / real(checkpoint.every_time.seconds));
        case SaveInterval::kAuto: {
            // Young (1974): the square root of twice the save's time × the time between failures.
            const double between = real(checkpoint.mtbf_per_rank.seconds) / real(layout.ranks);
            return 1 + std::floor(stage.seconds / std::sqrt(2 * std::max(save, 1.0) * between));
        }
    }
    return 1;
}

void add_stage(RunForecast& run, const Recipe& recipe, std::size_t index) {
    const StageSection& stage = recipe.stages[index];
    const Layout layout = layout_of_stage(recipe, stage, run.layout);
    const Efficiencies& efficiencies = run.efficiencies;
    run.stages.push_back(forecast_stage(recipe, stage, layout, run.hardware, efficiencies));
    const StageForecast& made = run.stages.back();
    run.seconds += made.seconds;
    if (stage.steps == 0) return;
    const Machine machine(recipe, stage, layout, run.hardware, efficiencies);
    const double save =
        efficiencies.save_seconds + copy_seconds(machine.saved_bytes(), layout.gpus);
    run.save_seconds += save * saves_of(made, recipe.checkpoint, save, layout);
    if (stage.kind == StageKind::kSample) return;
    const Lengths lengths = evaluation_lengths(recipe, stage, efficiencies);
    run.evaluation_seconds += evaluation_time(machine, recipe.evaluation, lengths).seconds() *
                              real(times_within(stage.steps, recipe.evaluation.every_steps));
    // A job that goes on with an earlier one's weights has been evaluated there.
    if (index > 0 || !stage.from.empty()) return;
    Lengths first = lengths;
    // Random weights say nothing that ends.
    if (recipe.model_of(stage).weights.empty()) first.output = first.limit;
    run.evaluation_seconds += evaluation_time(machine, recipe.evaluation, first).seconds();
}

}  // namespace

Layout layout_of_stage(const Recipe& recipe, const StageSection& stage, const Layout& layout) {
    if (!stage.resources || stage.resources->ranks == recipe.resources.ranks) return layout;
    Layout own = layout;
    const std::int64_t per_node = std::max<std::int64_t>(layout.ranks / layout.nodes, 1);
    own.ranks = stage.resources->ranks;
    own.nodes = std::max<std::int64_t>((own.ranks + per_node - 1) / per_node, 1);
    own.threads_per_rank = stage.resources->threads_per_rank;
    return own;
}

RunForecast forecast_run(const Recipe& recipe, const Layout& layout, const Hardware& hardware,
                         const Efficiencies& efficiencies) {
    RunForecast run;
    run.layout = layout;
    run.hardware = hardware;
    run.efficiencies = efficiencies;
    run.start_seconds = efficiencies.start_seconds;
    for (std::size_t i = 0; i < recipe.stages.size(); ++i) add_stage(run, recipe, i);
    run.seconds += run.start_seconds + run.evaluation_seconds + run.save_seconds;
    run.assumptions = assumptions_of(recipe, run);
    return run;
}

}  // namespace r1
