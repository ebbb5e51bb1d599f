// SPDX-License-Identifier: Apache-2.0
// What a run's own metrics say about the efficiencies with which the next one can be foreseen.
#pragma once

#include <cstddef>
#include <vector>

#include "checkpoint/run_directory.h"
#include "slurm/forecast/forecast.h"

namespace r1 {

/// Seconds that were measured of one phase.
struct Observation {
    enum class Phase { kRollout, kReference, kUpdate, kEvaluation };
    Phase phase = Phase::kUpdate;
    std::size_t stage = 0;
    Lengths lengths;           ///< as they were
    double longest_ratio = 0;  ///< 0: not known
    double seconds = 0;
};

/// What a run's metrics hold, before anything is fitted.
struct Measurements {
    std::vector<Observation> phases;
    // Medians, of what the run has; `efficiencies` of the run otherwise.
    Efficiencies efficiencies;
};

/// Reads the frozen recipe, metrics.jsonl, evaluations.jsonl and the first attempt's record. Throws
/// Error (kUsage) for a run without a finished step.
Measurements read_measurements(const RunDirectory& run, const Recipe& recipe, const Layout& layout);

/// The efficiencies that fit the phases best: least squares of the relative errors, with outliers
/// weighed down. What the measurements do not tell stays near `start`.
Efficiencies fit_efficiencies(const Recipe& recipe, const Layout& layout, const Hardware& hardware,
                              const std::vector<Observation>& phases, const Efficiencies& start);

/// Seconds that the model foresees for the phase.
double foreseen_seconds(const Recipe& recipe, const Layout& layout, const Hardware& hardware,
                        const Efficiencies& efficiencies, const Observation& observation);

struct Calibration {
    Hardware hardware;  ///< that the run had
    Layout layout;
    Efficiencies efficiencies;
};
/// Both of the above. The hardware is the run's: of the type of GPU that its first attempt's
/// record holds, a CPU core without GPUs. Throws Error (kUsage) for a GPU that is not known.
Calibration calibrate(const RunDirectory& run);

}  // namespace r1
