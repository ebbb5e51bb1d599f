// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "mpi_runtime/reward/task.h"
#include "recipes/recipe.h"

namespace r1 {

/// The parts of one output's reward, before weights, and their weighted sum.
struct Reward {
    double accuracy = 0;  ///< 1 when the verifier says correct
    double format = 0;    ///< 1 when the output is exactly <think>…</think><answer>…</answer>
    double total = 0;
    Verdict verdict = Verdict::kWrong;
};

/// Scores one output's text (without the end-of-text token). `ended` is false for one that was cut
/// at the length limit: its format is not complete. An output with no answer block, or with
/// several, is wrong. A verifier that throws gives Verdict::kError.
Reward score(const Task& task, const RewardsSection& weights, const Prompt& prompt,
             std::string_view completion, bool ended);

}  // namespace r1
