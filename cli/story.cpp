// SPDX-License-Identifier: Apache-2.0
#include "cli/story.h"

#include <algorithm>
#include <cstdlib>

#include "cli/lookout.h"
#include "cli/output/times.h"
#include "cli/runs_folder.h"
#include "common/error.h"

namespace r1::cli {

namespace {

constexpr std::int64_t kNewsSeconds = 600;

bool is_waiting(const RunView& view) {
    return view.state == RunState::kQueued && view.queued.has_value();
}

std::optional<AttemptRecord> readable(const RunDirectory& run, int number) {
    try {
        return read_attempt(run, number);
    } catch (const Error&) {
        return std::nullopt;
    }
}

/// What the state is, without the time at which it is expected to change.
std::string bare_state(const RunView& view) {
    std::string text = to_string(view.state);
    if (is_waiting(view)) text = "waits in the queue";
    if (view.state == RunState::kRunning) text = "runs";
    if (view.state == RunState::kUnknown) text = "cannot be told how it is";
    if (view.queued) {
        text += " (job " + to_string(view.queued->id);
        if (!view.queued->nodes.empty()) text += " on " + view.queued->nodes;
        text += ")";
    }
    return view.note.empty() ? text : text + ": " + view.note;
}

std::optional<std::int64_t> expected_start(const RunView& view) {
    return is_waiting(view) ? view.queued->start_s : std::nullopt;
}

}  // namespace

std::string attempt_text(const AttemptRecord& attempt) {
    std::string text = "attempt " + std::to_string(attempt.number) + " on ";
    const bool nodes = attempt.slurm && !attempt.slurm->nodes.empty();
    text += nodes ? folded_nodes(attempt.slurm->nodes) : attempt.host;
    if (attempt.slurm) text += ", job " + std::to_string(attempt.slurm->job);
    if (attempt.start_step > 0) text += ", from step " + std::to_string(attempt.start_step);
    return text;
}

std::string ending_text(const AttemptRecord& attempt) {
    if (!attempt.ending) return "";
    std::string text = "attempt " + std::to_string(attempt.number) + ": ";
    // "rank failed: rank 3 on node2: no space left" says one thing twice.
    const bool plain = attempt.ending_detail.empty();
    text += plain ? to_string(*attempt.ending) : attempt.ending_detail;
    if (attempt.goes_on == GoesOn::kRequeued) text += "; goes on by itself (queued again)";
    if (attempt.goes_on == GoesOn::kFollowUp) text += "; goes on by itself (in a new job)";
    return text;
}

std::optional<AttemptRecord> newest_attempt_record(const RunDirectory& run) {
    const int newest = run.newest_attempt();
    return newest == 0 ? std::nullopt : readable(run, newest);
}

std::string state_text(const RunView& view, std::int64_t now_s) {
    const auto start = expected_start(view);
    return bare_state(view) + (start ? "; expected to start " + expected_time(*start, now_s) : "");
}

std::string next_for(const RunView& view) {
    switch (view.state) {
        case RunState::kCompleted:
            return next_command("eval", view.run);
        case RunState::kRunning:
            return next_command(view.jobs.empty() ? "logs -f" : "watch", view.run);
        case RunState::kQueued:
            return next_command(has_ended(view) ? "resume" : "watch", view.run);
        case RunState::kStopped:
        case RunState::kFailed:
        case RunState::kInterrupted:
            return next_command("resume", view.run);
        case RunState::kUnknown:
            break;
    }
    return next_command("watch", view.run);
}

std::vector<std::string> RunStory::changes(const RunView& view, std::int64_t now_s) {
    std::vector<std::string> lines;
    const int newest = view.run.newest_attempt();
    if (first_) {  // what ended before is not news
        const auto record = newest_attempt_record(view.run);
        const bool over = record && (record->ending || record->end_ms);
        ended_ = over ? newest : std::max(0, newest - 1);
        attempt_ = over ? newest : ended_;
    }
    while (ended_ < newest || attempt_ < newest) {
        const int number = ended_ + 1;
        const auto record = readable(view.run, number);
        if (!record && number == newest) break;  // its record is being written
        if (record && attempt_ < number) lines.push_back(attempt_text(*record));
        attempt_ = number;
        const bool over = !record || record->ending || record->end_ms || number < newest;
        if (!over) break;
        if (record && record->ending) lines.push_back(ending_text(*record));
        ended_ = number;
    }
    const std::string state = bare_state(view);
    const auto start = expected_start(view);
    const bool moved = start && (!start_s_ || std::abs(*start - *start_s_) >= kNewsSeconds);
    if (first_ || state != state_ || moved) {
        lines.push_back(state_text(view, now_s));
        start_s_ = start;
    }
    state_ = state;
    first_ = false;
    return lines;
}

}  // namespace r1::cli
