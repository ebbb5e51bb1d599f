// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "recipes/recipe.h"

namespace r1 {

/// The learning rate of update `step` (from 0) of `steps`: linear warm-up that reaches the full
/// rate at update warmup_steps - 1, then constant, or a cosine down to final_learning_rate_ratio at
/// the last update.
double learning_rate_at(const OptimizerSection& optimizer, std::int64_t step, std::int64_t steps);

}  // namespace r1
