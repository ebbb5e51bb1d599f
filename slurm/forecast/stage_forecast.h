// SPDX-License-Identifier: Apache-2.0
// What one stage will need.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "slurm/forecast/memory.h"
#include "slurm/forecast/phase_time.h"

namespace r1 {

struct PhaseForecast {
    std::string name;    ///< "rollout", "reference", "update", "exchange", "other"
    double seconds = 0;  ///< of a mean step
    std::string bound;   ///< what binds it: "flops", "memory bandwidth", "network", "overhead"
};
struct StageForecast {
    std::string stage;
    std::int64_t steps = 0;
    std::vector<PhaseForecast> phases;
    double step_seconds = 0;  ///< mean
    double seconds = 0;       ///< of all its steps
    double tokens_per_step = 0;
    MemoryForecast memory;
};
StageForecast forecast_stage(const Recipe& recipe, const StageSection& stage, const Layout& layout,
                             const Hardware& hardware, const Efficiencies& efficiencies);

/// One step's phases, before they are averaged. A rollout's are spread over the updates that it
/// feeds.
struct StepTime {
    PhaseTime rollout, reference, update, exchange, other;
    double tokens = 0;  ///< that are trained on, or generated in a sample stage, over all ranks
};
class Machine;
StepTime step_time(const Machine& machine, const StageSection& stage, const Lengths& lengths,
                   const Efficiencies& efficiencies);

/// Updates that one rollout feeds; 1 for other stages.
double updates_of_rollout(const StageSection& stage);

/// One evaluation by a stage's model.
PhaseTime evaluation_time(const Machine& machine, const EvaluationSection& evaluation,
                          const Lengths& lengths);

}  // namespace r1
