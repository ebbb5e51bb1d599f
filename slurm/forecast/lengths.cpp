// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/lengths.h"

#include <algorithm>
#include <cmath>

namespace r1 {

namespace {

constexpr double kLongestPrompt = 512;  // where nothing is known

double real(std::int64_t value) {
    return static_cast<double>(value);
}

double prompt_of(const ModelSection& model, const StageSection& stage,
                 const Efficiencies& efficiencies) {
    if (stage.expected_prompt_tokens > 0) return stage.expected_prompt_tokens;
    if (efficiencies.prompt_tokens > 0) return efficiencies.prompt_tokens;
    return std::min(real(model.max_position_embeddings) / 4, kLongestPrompt);
}

/// On the straight line from the first step to the last.
double expected_at(const StageSection& stage, std::int64_t step) {
    if (stage.expected_tokens_last == 0 || stage.steps < 2) return stage.expected_tokens;
    const double part = real(step) / real(stage.steps - 1);
    return stage.expected_tokens + part * (stage.expected_tokens_last - stage.expected_tokens);
}

}  // namespace

Lengths lengths_at(const Recipe& recipe, const StageSection& stage, std::int64_t step,
                   const Efficiencies& efficiencies) {
    const ModelSection& model = recipe.model_of(stage);
    const double expected = expected_at(stage, step);
    Lengths lengths;
    if (stage.kind == StageKind::kSft) {
        lengths.limit = real(model.max_position_embeddings);
        lengths.output = expected > 0 ? expected : lengths.limit;
        lengths.output *= efficiencies.sequence_share;
    } else {
        const bool switched =
            stage.max_new_tokens_switch_step > 0 && step >= stage.max_new_tokens_switch_step;
        lengths.limit = real(switched ? stage.max_new_tokens_after : stage.sampling.max_new_tokens);
        lengths.output = expected > 0 ? expected : lengths.limit;
        lengths.output *= efficiencies.token_share;
        lengths.prompt = prompt_of(model, stage, efficiencies);
    }
    lengths.output = std::clamp(lengths.output, 1.0, lengths.limit);
    return lengths;
}

Lengths evaluation_lengths(const Recipe& recipe, const StageSection& stage,
                           const Efficiencies& efficiencies) {
    Lengths lengths;
    lengths.prompt = prompt_of(recipe.model_of(stage), stage, efficiencies);
    lengths.limit = real(recipe.evaluation.max_new_tokens);
    const double expected = stage.kind == StageKind::kSft || stage.expected_tokens == 0
                                ? lengths.limit
                                : expected_at(stage, stage.steps - 1);
    lengths.output = std::clamp(expected * efficiencies.token_share, 1.0, lengths.limit);
    return lengths;
}

Decoding decoding_of(double outputs, double places, const Lengths& lengths, double longest_ratio) {
    constexpr double kEuler = 0.5772156649;
    const double last = std::min(outputs, places);
    const double harmonic = last < 2 ? 1 : std::log(last) + kEuler + 0.5 / last;
    Decoding decoding;
    const double ratio = longest_ratio > 0 ? longest_ratio : harmonic;
    decoding.longest = std::min(lengths.output * ratio, lengths.limit);
    decoding.tokens = outputs * lengths.output;
    decoding.iterations =
        std::max((outputs - last) * lengths.output / places, 0.0) + decoding.longest;
    return decoding;
}

}  // namespace r1
