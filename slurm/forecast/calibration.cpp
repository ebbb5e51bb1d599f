// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/calibration.h"

#include <algorithm>
#include <set>
#include <string>

#include "checkpoint/attempt.h"
#include "common/error.h"
#include "recipes/load.h"

namespace r1 {

namespace {

// More measurements of a stage than these say nothing new, and take time.
constexpr std::size_t kMostPhases = 1000;

Layout layout_of(const RunDirectory& run, const AttemptRecord& attempt) {
    Layout layout;
    layout.ranks = std::max<std::int64_t>(attempt.ranks, 1);
    layout.threads_per_rank = std::max<std::int64_t>(attempt.threads_per_rank, 1);
    layout.gpus = attempt.gpus > 0;
    std::set<std::string> hosts;
    for (const RankPlace& place : read_ranks(run, attempt.number)) hosts.insert(place.host);
    layout.nodes = std::max<std::int64_t>(static_cast<std::int64_t>(hosts.size()), 1);
    return layout;
}

Hardware hardware_of(const RunDirectory& run, const Recipe& recipe, const AttemptRecord& attempt) {
    if (attempt.gpus == 0) return cpu_core();
    if (const auto named = find_hardware(recipe.resources.gpu_type)) return *named;
    for (const RankPlace& place : read_ranks(run, attempt.number))
        if (const auto found = find_hardware(place.device)) return *found;
    throw Error(ExitCode::kUsage, "the GPUs of run " + run.run_id() +
                                      " are of no type that is known; known: " + known_hardware());
}

/// Every n-th, so that as many as wanted are left.
std::vector<Observation> thinned(const std::vector<Observation>& phases) {
    const std::size_t every = phases.size() / kMostPhases + 1;
    std::vector<Observation> kept;
    for (std::size_t i = 0; i < phases.size(); i += every) kept.push_back(phases[i]);
    return kept;
}

}  // namespace

Calibration calibrate(const RunDirectory& run) {
    const std::optional<AttemptRecord> attempt = read_attempt(run, 1);
    if (!attempt)
        throw Error(ExitCode::kUsage,
                    "run " + run.run_id() + " has not started; calibrate from one that has");
    const Recipe recipe = load_recipe(run.recipe());
    Calibration made;
    made.layout = layout_of(run, *attempt);
    made.hardware = hardware_of(run, recipe, *attempt);
    const Measurements measured = read_measurements(run, recipe, made.layout);
    made.efficiencies = fit_efficiencies(recipe, made.layout, made.hardware,
                                         thinned(measured.phases), measured.efficiencies);
    return made;
}

}  // namespace r1
