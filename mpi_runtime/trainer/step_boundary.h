// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "checkpoint/attempt.h"
#include "mpi_runtime/trainer/session.h"
#include "mpi_runtime/trainer/time_budget.h"

namespace r1 {

/// Where the ranks agree, after every step, on whether to go on: signals, the deadline, and whether
/// a newer attempt has begun. Also measures what the deadline needs to know.
class StepBoundary {
  public:
    /// Collective. Reads the attempt's record and the times of earlier attempts.
    StepBoundary(Session& session, int attempt);

    /// One past the last stage that this attempt trains.
    std::size_t end_stage() const { return end_stage_; }

    /// Steps are measured from here on.
    void begin_steps();
    void begin_stage() { budget_.begin_stage(); }
    void evaluation_took(double seconds);
    /// The ranks stood still between two steps to copy what is saved.
    void paused(double seconds) { step_begin_ += seconds; }
    /// From the begin of a save until the checkpoint existed.
    void save_took(double seconds) { budget_.save_took(seconds); }

    struct Decision {
        StopReason stop = StopReason::kNone;
        bool save = false;
    };
    /// Collective; the same on every rank. Whether a save is due is the leader's to say. Throws
    /// Error when the attempt is superseded.
    Decision decide(bool evaluation_follows, bool save_is_due);

  private:
    void set_deadline();
    bool deadline_is_near(bool evaluation_follows) const;
    void warn_of_budget();

    Session& session_;
    std::optional<AttemptRecord> record_;      // the leader's
    std::optional<std::int64_t> deadline_ms_;  // the leader's
    StopReason at_deadline_ = StopReason::kDeadline;
    bool warned_ = false;  // of the budget
    std::size_t end_stage_;
    TimeBudget budget_{0, 0, 0};
    bool measuring_ = false;  // a save was asked for, to learn how long one takes
    double step_begin_;
};

}  // namespace r1
