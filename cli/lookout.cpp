// SPDX-License-Identifier: Apache-2.0
#include "cli/lookout.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "cli/living_ranks.h"
#include "common/error.h"
#include "common/time.h"

namespace r1::cli {

namespace {

bool was_submitted(const RunDirectory& run) {
    std::error_code ignored;
    return std::filesystem::is_directory(run.jobs(), ignored);
}

/// An attempt has begun and its launcher has not recorded an end.
bool attempt_is_open(const RunDirectory& run, int attempt) {
    try {
        const auto record = read_attempt(run, attempt);
        return record && !record->end_ms && !record->ending;
    } catch (const Error&) {
        return false;
    }
}

bool same(const RunView& a, const RunView& b) {
    return a.state == b.state && a.note == b.note;
}

}  // namespace

bool has_ended(const RunView& view) {
    switch (view.state) {
        case RunState::kCompleted:
        case RunState::kStopped:
        case RunState::kFailed:
            return true;
        case RunState::kInterrupted:
            return !view.jobs.empty() || living_ranks(view.run).empty();
        case RunState::kQueued:
            return view.jobs.empty() && !was_submitted(view.run);
        case RunState::kRunning:
        case RunState::kUnknown:
            break;
    }
    return false;
}

std::unique_ptr<Scheduler> scheduler_for(const std::vector<RunDirectory>& runs, Context& context) {
    if (std::none_of(runs.begin(), runs.end(), was_submitted)) return nullptr;
    return context.make_scheduler();
}

Lookout::Lookout(std::vector<RunDirectory> runs, Context& context, LookTimes times)
    : runs_(std::move(runs)),
      scheduler_(scheduler_for(runs_, context)),
      times_(times),
      interval_(times.ask_s) {}

const std::vector<RunView>& Lookout::look() {
    const double now = monotonic_seconds();
    if (views_.empty() || now >= next_ask_)
        ask(now);
    else
        read_records();
    return views_;
}

bool Lookout::has_new_end(const std::vector<RunView>& views) const {
    for (std::size_t i = 0; i < views.size(); ++i) {
        const bool ended =
            !views[i].jobs.empty() && has_ended(views[i]) && views[i].state != RunState::kCompleted;
        if (ended && (i >= views_.size() || !has_ended(views_[i]))) return true;
    }
    return false;
}

void Lookout::ask(double now) {
    std::vector<RunView> views = view_runs(runs_, scheduler_.get());
    // A run may have ended well, or have been queued again, between the look at its records and the
    // question to the queue: an end that is new is looked at twice.
    if (scheduler_ && has_new_end(views)) views = view_runs(runs_, scheduler_.get());
    const bool unchanged =
        std::equal(views.begin(), views.end(), views_.begin(), views_.end(), same);
    interval_ = unchanged ? std::min(interval_ * 1.5, times_.ask_at_most_s) : times_.ask_s;
    next_ask_ = scheduler_ ? now + interval_ : now;
    views_ = std::move(views);
    attempts_.clear();
    for (const RunDirectory& run : runs_) attempts_.push_back(run.newest_attempt());
}

void Lookout::read_records() {
    const std::vector<RunView> views = view_runs(runs_, nullptr);
    for (std::size_t i = 0; i < views.size(); ++i) {
        if (!was_submitted(runs_[i]) || views[i].state == RunState::kCompleted) {
            views_[i] = views[i];
            continue;
        }
        const int newest = runs_[i].newest_attempt();
        if (newest == attempts_[i] || !attempt_is_open(runs_[i], newest)) continue;
        attempts_[i] = newest;
        views_[i].state = RunState::kRunning;
        views_[i].note.clear();
        interval_ = times_.ask_s;
    }
}

void Lookout::nap() {
    std::this_thread::sleep_for(std::chrono::duration<double>(kSlice));
}

}  // namespace r1::cli
