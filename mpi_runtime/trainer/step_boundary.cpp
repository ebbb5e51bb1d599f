// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/step_boundary.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "checkpoint/job.h"
#include "common/log.h"
#include "common/time.h"
#include "mpi_runtime/trainer/metrics_log.h"
#include "mpi_runtime/trainer/stop_request.h"

namespace r1 {

StepBoundary::StepBoundary(Session& session, int attempt)
    : session_(session),
      end_stage_(session.recipe.stages.size()),
      step_begin_(monotonic_seconds()) {
    std::uint64_t end = 0;
    if (session.leader()) {
        record_ = read_attempt(session.run, attempt);
        if (record_) end = record_->end_stage;
        set_deadline();
    }
    session.comm.broadcast(&end, sizeof end, 0);
    if (end > 0) end_stage_ = std::min(end_stage_, static_cast<std::size_t>(end));
}

/// Slurm's where the record has one; else the recipe's, after which nobody ends the ranks and no
/// epilogue follows. Or when the money is used up, if that is sooner.
void StepBoundary::set_deadline() {
    const std::int64_t limit_ms = session_.recipe.resources.time_limit.seconds * 1000;
    double epilogue = 0;
    if (record_ && record_->deadline_ms) {
        deadline_ms_ = record_->deadline_ms;
        epilogue = kEpilogueSeconds;
    } else if (limit_ms > 0) {
        deadline_ms_ = (record_ ? record_->start_ms : utc_milliseconds()) + limit_ms;
    }
    if (record_ && record_->budget_end_ms &&
        (!deadline_ms_ || *record_->budget_end_ms < *deadline_ms_)) {
        deadline_ms_ = record_->budget_end_ms;
        at_deadline_ = StopReason::kBudget;
    }
    if (!deadline_ms_) return;
    budget_ = TimeBudget(longest_in(session_.run.metrics(), "timing_s/checkpoint"),
                         longest_in(session_.run.evaluations(), "timing_s/evaluation"), epilogue);
}

void StepBoundary::begin_steps() {
    step_begin_ = monotonic_seconds();
}

void StepBoundary::evaluation_took(double seconds) {
    budget_.evaluation_took(seconds);
    step_begin_ += seconds;
}

bool StepBoundary::deadline_is_near(bool evaluation_follows) const {
    if (!deadline_ms_) return false;
    const double left = static_cast<double>(*deadline_ms_ - utc_milliseconds()) / 1000;
    const double needed = budget_.needed(evaluation_follows);
    if (left >= needed) return false;
    const std::string what =
        at_deadline_ == StopReason::kBudget ? "the end of the run's budget" : "the time limit";
    log_info(what + " is " + short_duration(std::max(left, 0.0)) +
             " away, and another step and a save may take " + short_duration(needed));
    return true;
}

void StepBoundary::warn_of_budget() {
    const CostSection& cost = session_.recipe.cost;
    if (warned_ || !record_ || !record_->budget_warning_ms || !cost.budget ||
        utc_milliseconds() < *record_->budget_warning_ms)
        return;
    warned_ = true;
    log_warning("80% of the run's budget of " + to_string(*cost.budget) + " " + cost.currency +
                " is used");
}

StepBoundary::Decision StepBoundary::decide(bool evaluation_follows, bool save_is_due) {
    const double now = monotonic_seconds();
    budget_.step_took(now - step_begin_);
    step_begin_ = now;
    enum { kSuperseded, kSignal, kDeadline, kSave, kCount };
    std::array<std::int64_t, kCount> agreed{};
    agreed[kSignal] = stop_requested() || (record_ && launcher_is_gone(*record_)) ? 1 : 0;
    if (session_.leader()) {
        // The signal of a cancel is lost on ranks that are not up yet; the wish stays.
        if (record_ && record_->slurm && cancel_requested(session_.run)) agreed[kSignal] = 1;
        agreed[kSuperseded] = session_.fence.superseded() ? 1 : 0;
        warn_of_budget();
        const bool near = deadline_is_near(evaluation_follows);
        agreed[kDeadline] = near ? static_cast<std::int64_t>(at_deadline_) : 0;
        // Without a figure, the first save could be the one that comes too late.
        const bool unknown = deadline_ms_ && !budget_.knows_saves() && !measuring_;
        measuring_ = measuring_ || unknown;
        agreed[kSave] = save_is_due || unknown ? 1 : 0;
    }
    session_.comm.all_reduce(agreed.data(), agreed.size(), ReduceOp::kMax);
    if (agreed[kSuperseded] != 0) session_.fence.refuse();
    Decision decision;
    decision.save = agreed[kSave] != 0;
    if (agreed[kDeadline] != 0) decision.stop = static_cast<StopReason>(agreed[kDeadline]);
    if (agreed[kSignal] != 0) decision.stop = StopReason::kSignal;
    return decision;
}

}  // namespace r1
