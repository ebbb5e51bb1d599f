// SPDX-License-Identifier: Apache-2.0
// Gauss-Newton on the logarithms of the efficiencies: they stay positive, and a residual is a
// relative error.
#include <algorithm>
#include <array>
#include <cmath>

#include "slurm/forecast/calibration.h"
#include "slurm/forecast/machine.h"

namespace r1 {

namespace {

constexpr std::size_t kUnknowns = 4;
constexpr int kRounds = 30;
constexpr double kNudge = 1e-4;
// How far, as a logarithm, the starting values may be off: they decide what the measurements leave
// open. A run whose rollouts are alike cannot tell the cost of a token from that of an iteration.
constexpr std::array<double, kUnknowns> kDoubt = {1, 1, 1, 0.3};
// Errors beyond this count by their size and not by its square (Huber 1964).
constexpr double kUsualError = 0.02;
constexpr double kLeastNoise = 1e-6;
constexpr double kLongestMove = 1;  // of a logarithm, in one round

using Values = std::array<double, kUnknowns>;

std::array<double*, kUnknowns> unknowns_of(Efficiencies& efficiencies) {
    return {&efficiencies.training, &efficiencies.prefill, &efficiencies.decode,
            &efficiencies.layer_seconds};
}

Values logarithms(Efficiencies efficiencies) {
    Values values{};
    const auto unknowns = unknowns_of(efficiencies);
    for (std::size_t i = 0; i < kUnknowns; ++i) values[i] = std::log(*unknowns[i]);
    return values;
}

void set(Efficiencies& efficiencies, const Values& logarithms) {
    const auto unknowns = unknowns_of(efficiencies);
    for (std::size_t i = 0; i < kUnknowns; ++i) *unknowns[i] = std::exp(logarithms[i]);
}

/// The normal equations.
struct Equations {
    std::array<Values, kUnknowns> matrix{};
    Values right{};

    void add(const Values& slope, double residual, double weight) {
        for (std::size_t i = 0; i < kUnknowns; ++i) {
            right[i] += weight * slope[i] * residual;
            for (std::size_t j = 0; j < kUnknowns; ++j)
                matrix[i][j] += weight * slope[i] * slope[j];
        }
    }

    /// The prior makes the matrix positive definite: elimination needs no pivot.
    Values solve() {
        for (std::size_t i = 0; i < kUnknowns; ++i)
            for (std::size_t row = i + 1; row < kUnknowns; ++row) {
                const double times = matrix[row][i] / matrix[i][i];
                for (std::size_t j = i; j < kUnknowns; ++j) matrix[row][j] -= times * matrix[i][j];
                right[row] -= times * right[i];
            }
        Values solution{};
        for (std::size_t i = kUnknowns; i-- > 0;) {
            double sum = right[i];
            for (std::size_t j = i + 1; j < kUnknowns; ++j) sum -= matrix[i][j] * solution[j];
            solution[i] = sum / matrix[i][i];
        }
        return solution;
    }
};

/// The median.
double usual(std::vector<double> errors) {
    if (errors.empty()) return 0;
    const auto middle = errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2);
    std::nth_element(errors.begin(), middle, errors.end());
    return *middle;
}

bool measures(const std::vector<Observation>& phases, Observation::Phase phase) {
    return std::any_of(phases.begin(), phases.end(),
                       [phase](const Observation& seen) { return seen.phase == phase; });
}

}  // namespace

double foreseen_seconds(const Recipe& recipe, const Layout& layout, const Hardware& hardware,
                        const Efficiencies& efficiencies, const Observation& observation) {
    const StageSection& stage = recipe.stages[observation.stage];
    Efficiencies used = efficiencies;
    if (observation.longest_ratio > 0) used.longest_ratio = observation.longest_ratio;
    used.step_seconds = 0;
    const Machine machine(recipe, stage, layout, hardware, used);
    if (observation.phase == Observation::Phase::kEvaluation)
        return evaluation_time(machine, recipe.evaluation, observation.lengths).seconds();
    const StepTime step = step_time(machine, stage, observation.lengths, used);
    // A measured step has its rollout whole.
    const double updates = updates_of_rollout(stage);
    switch (observation.phase) {
        case Observation::Phase::kRollout:
            return step.rollout.seconds() * updates;
        case Observation::Phase::kReference:
            return step.reference.seconds() * updates;
        default:
            return step.update.seconds() + step.exchange.seconds();
    }
}

Efficiencies fit_efficiencies(const Recipe& recipe, const Layout& layout, const Hardware& hardware,
                              const std::vector<Observation>& phases, const Efficiencies& start) {
    const bool reference = measures(phases, Observation::Phase::kReference);
    const bool update = measures(phases, Observation::Phase::kUpdate);
    const Values prior = logarithms(start);
    Values now = prior;
    const auto with = [&](const Values& values) {
        Efficiencies made = start;
        set(made, values);
        // Nothing measures prefill alone: it is taken to be as efficient as training.
        if (!reference && update) made.prefill = made.training;
        return made;
    };
    for (int round = 0; round < kRounds; ++round) {
        Equations equations;
        const Efficiencies here = with(now);
        std::vector<double> errors;
        for (const Observation& seen : phases) {
            const double base = foreseen_seconds(recipe, layout, hardware, here, seen);
            const double residual = std::log(seen.seconds / base);
            if (!std::isfinite(residual)) continue;  // metrics come from outside
            errors.push_back(std::abs(residual));
            Values slope{};
            for (std::size_t i = 0; i < kUnknowns; ++i) {
                Values nudged = now;
                nudged[i] += kNudge;
                const double there = foreseen_seconds(recipe, layout, hardware, with(nudged), seen);
                slope[i] = std::log(there / base) / kNudge;
            }
            equations.add(slope, residual, std::min(1.0, kUsualError / std::abs(residual)));
        }
        const double noise = std::max(usual(errors), kLeastNoise);
        for (std::size_t i = 0; i < kUnknowns; ++i) {
            Values slope{};
            slope[i] = 1;
            equations.add(slope, prior[i] - now[i], noise * noise / (kDoubt[i] * kDoubt[i]));
        }
        const Values move = equations.solve();
        for (std::size_t i = 0; i < kUnknowns; ++i)
            now[i] += std::clamp(move[i], -kLongestMove, kLongestMove);
    }
    return with(now);
}

}  // namespace r1
