// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/save_clock.h"

#include <algorithm>
#include <cmath>

namespace r1 {

bool SaveClock::due(std::int64_t done, double now, bool saving) const {
    if (section_.interval == SaveInterval::kSteps)
        return section_.every_steps > 0 && done % section_.every_steps == 0;
    const std::optional<double> seconds = interval();
    if (!seconds) return !saving;  // the first save is how `auto` learns
    return now - last_ >= *seconds;
}

void SaveClock::save_ended(double pause, double total) {
    pause_ = std::max(pause, pause_.value_or(0));
    total_ = std::max(total, total_.value_or(0));
}

std::optional<double> SaveClock::interval() const {
    if (section_.interval == SaveInterval::kTime)
        return static_cast<double>(section_.every_time.seconds);
    if (section_.interval == SaveInterval::kSteps || !pause_) return std::nullopt;
    const double failure =
        static_cast<double>(section_.mtbf_per_rank.seconds) / static_cast<double>(ranks_);
    return std::max(std::sqrt(2 * *pause_ * failure), 2 * *total_);
}

}  // namespace r1
