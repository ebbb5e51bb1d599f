// SPDX-License-Identifier: Apache-2.0
// How long prompts and outputs are, as a recipe expects them.
#pragma once

#include <cstdint>

#include "recipes/recipe.h"
#include "slurm/forecast/efficiencies.h"

namespace r1 {

struct Lengths {
    double prompt = 0;  ///< mean; 0 for sft, whose sequences hold it
    double output = 0;  ///< mean of an output, or of a sequence of sft
    double limit = 0;   ///< no output is longer
    double rows() const { return prompt + output; }
};

/// At step `step` of a stage, counted from 0. What the recipe does not say is the longest there may
/// be for outputs and sequences, and a quarter of the model's positions, 512 at most, for prompts.
Lengths lengths_at(const Recipe& recipe, const StageSection& stage, std::int64_t step,
                   const Efficiencies& efficiencies);

/// Of an evaluation after the stage.
Lengths evaluation_lengths(const Recipe& recipe, const StageSection& stage,
                           const Efficiencies& efficiencies);

/// Outputs of which one rank decodes at most `places` at once.
struct Decoding {
    double iterations = 0;
    double longest = 0;  ///< the longest output that is expected
    double rows() const { return tokens / iterations; }
    double tokens = 0;  ///< over all outputs
};
/// Places stay full until the last outputs; then the longest of them is waited for. Lengths are
/// taken as exponentially distributed, of which the longest of n has H(n) times the mean, unless
/// longest_ratio is known.
Decoding decoding_of(double outputs, double places, const Lengths& lengths, double longest_ratio);

}  // namespace r1
