// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace r1 {

double learning_rate_at(const OptimizerSection& optimizer, std::int64_t step, std::int64_t steps) {
    const double full = optimizer.learning_rate;
    if (step < optimizer.warmup_steps)
        return full * static_cast<double>(step + 1) / static_cast<double>(optimizer.warmup_steps);
    if (optimizer.schedule == Schedule::kConstant) return full;
    const std::int64_t last = std::max<std::int64_t>(steps - 1 - optimizer.warmup_steps, 1);
    const double progress = std::min(
        1.0, static_cast<double>(step - optimizer.warmup_steps) / static_cast<double>(last));
    const double floor = optimizer.final_learning_rate_ratio;
    return full * (floor + (1 - floor) * 0.5 * (1 + std::cos(std::numbers::pi * progress)));
}

}  // namespace r1
