// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "recipes/recipe.h"

namespace r1 {

/// When the next periodic save is due. All times are in seconds of one clock, at which it does not
/// look itself.
class SaveClock {
  public:
    SaveClock(const CheckpointSection& section, std::int64_t ranks, double now)
        : section_(section), ranks_(ranks), last_(now) {}

    /// Whether to save after step `done` of the stage. `saving`: one is on its way.
    bool due(std::int64_t done, double now, bool saving) const;
    /// A save begins, for whatever reason.
    void save_began(double now) { last_ = now; }
    /// `pause`: how long the ranks stood still for it; `total`: with the writing behind their back.
    void save_ended(double pause, double total);

    /// Seconds between two saves where time counts. With `auto` √(2 · pause · MTBF of all ranks)
    /// (Young 1974; Daly 2006 has the same for a pause that is short beside it), and no less than
    /// twice what a save takes in all. nullopt before the first save was measured, and by steps.
    std::optional<double> interval() const;

  private:
    CheckpointSection section_;
    std::int64_t ranks_;
    double last_;
    std::optional<double> pause_, total_;  // the longest so far
};

}  // namespace r1
