// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>

namespace r1 {

/// What the job script's epilogue needs after the ranks have stopped: it reads the records, asks
/// Slurm to requeue the job, and writes how the attempt ended. Each takes a second or two, and the
/// clocks of the nodes differ by as much.
inline constexpr double kEpilogueSeconds = 15;

/// How long before its deadline an attempt must stop, from what it has measured so far. All times
/// are in seconds. Looks at no clock.
class TimeBudget {
  public:
    /// The longest save and evaluation of earlier attempts, 0 when none was measured.
    TimeBudget(double longest_save, double longest_evaluation, double epilogue);

    /// Steps of another stage have another length; the last few count on until it has its own.
    void begin_stage() { longest_of_stage_ = 0; }
    /// From one step boundary to the next, without the evaluation and the save between them.
    void step_took(double seconds);
    void evaluation_took(double seconds);
    void save_took(double seconds);

    bool knows_saves() const { return longest_save_ > 0; }
    /// What must be left at a step boundary to do one more step and save after it. A save may take
    /// twice the longest so far: the file system is busiest when many jobs near their limits.
    double needed(bool evaluation_follows) const;

  private:
    static constexpr std::size_t kRecent = 8;
    double longest_save_, longest_evaluation_, epilogue_;
    double longest_of_stage_ = 0;
    std::deque<double> recent_;  // the last kRecent steps, of whatever stage
};

}  // namespace r1
