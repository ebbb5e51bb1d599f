// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/stage_forecast.h"

#include <algorithm>
#include <cmath>

#include "slurm/forecast/machine.h"

namespace r1 {

namespace {

// Lengths go along straight lines: more steps than these say nothing new.
constexpr std::int64_t kSteps = 2000;

double real(std::int64_t value) {
    return static_cast<double>(value);
}

/// Tokens that the busiest replica trains on: sequences are spread evenly by their tokens, and none
/// is divided.
double busiest(double sequences, double replicas, const Lengths& lengths,
               const Efficiencies& efficiencies) {
    const double mean = sequences * lengths.rows() / replicas;
    if (sequences >= 4 * replicas) return mean;
    const Decoding whole = decoding_of(sequences, sequences, lengths, efficiencies.longest_ratio);
    return std::max(mean, lengths.prompt + whole.longest);
}

void add_rollout(StepTime& time, const Machine& machine, const StageSection& stage,
                 const Lengths& lengths) {
    const double outputs = outputs_of_replica(stage, machine.split());
    const double prompts = std::max(outputs / real(stage.group_size), 1.0);
    const double share = 1 / updates_of_rollout(stage);
    time.rollout.add(machine.rollout(outputs, prompts, lengths), share);
    if (stage.kind == StageKind::kGrpo && stage.kl_coefficient > 0)
        time.reference.add(machine.forward(outputs * lengths.rows(), lengths.rows() / 2), share);
}

PhaseForecast phase(const char* name, const PhaseTime& time, double steps) {
    return {name, time.seconds() / steps, time.bound()};
}

}  // namespace

double updates_of_rollout(const StageSection& stage) {
    if (stage.kind != StageKind::kGrpo) return 1;
    return real(stage.inner_epochs) * real(stage.rollout_size) / sequences_of(stage);
}

StepTime step_time(const Machine& machine, const StageSection& stage, const Lengths& lengths,
                   const Efficiencies& efficiencies) {
    const double sequences = sequences_of(stage);
    StepTime time;
    time.tokens = sequences * lengths.rows();
    time.other.add_overhead(efficiencies.step_seconds);
    if (stage.kind != StageKind::kSft) add_rollout(time, machine, stage, lengths);
    if (stage.kind == StageKind::kSample) return time;
    const double rows = busiest(sequences, machine.split().replicas, lengths, efficiencies);
    time.update.add(machine.training(rows, lengths.rows() / 2));
    time.update.add(machine.optimizer());
    time.exchange.add(machine.exchange());
    return time;
}

PhaseTime evaluation_time(const Machine& machine, const EvaluationSection& evaluation,
                          const Lengths& lengths) {
    const double prompts = real(evaluation.prompts) / machine.split().replicas;
    return machine.rollout(std::max(prompts * real(evaluation.samples), 1.0),
                           std::max(prompts, 1.0), lengths);
}

StageForecast forecast_stage(const Recipe& recipe, const StageSection& stage, const Layout& layout,
                             const Hardware& hardware, const Efficiencies& efficiencies) {
    const Machine machine(recipe, stage, layout, hardware, efficiencies);
    const std::int64_t samples = std::min(stage.steps, kSteps);
    StepTime sum;
    for (std::int64_t i = 0; i < samples; ++i) {
        const std::int64_t step = (2 * i + 1) * stage.steps / (2 * samples);
        const StepTime one =
            step_time(machine, stage, lengths_at(recipe, stage, step, efficiencies), efficiencies);
        sum.rollout.add(one.rollout);
        sum.reference.add(one.reference);
        sum.update.add(one.update);
        sum.exchange.add(one.exchange);
        sum.other.add(one.other);
        sum.tokens += one.tokens;
    }
    const double steps = std::max(real(samples), 1.0);
    StageForecast forecast;
    forecast.stage = stage.name;
    forecast.steps = stage.steps;
    for (const PhaseForecast& made :
         {phase("rollout", sum.rollout, steps), phase("reference", sum.reference, steps),
          phase("update", sum.update, steps), phase("exchange", sum.exchange, steps),
          phase("other", sum.other, steps)}) {
        forecast.step_seconds += made.seconds;
        if (made.seconds > 0) forecast.phases.push_back(made);
    }
    forecast.seconds = forecast.step_seconds * real(stage.steps);
    forecast.tokens_per_step = sum.tokens / steps;
    forecast.memory = memory_of(recipe, stage, layout, hardware, efficiencies);
    return forecast;
}

}  // namespace r1
