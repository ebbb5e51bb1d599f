// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/attempt.h"
#include "checkpoint/process.h"
#include "common/error.h"
#include "common/time.h"

namespace r1 {
namespace {

constexpr int kLargestOwnExitCode = 128;  // above: 128 + the signal that killed it

std::optional<OutcomeRecord> readable_outcome(const RunDirectory& run, int attempt) {
    try {
        return read_outcome(run, attempt);
    } catch (const Error&) {
        return std::nullopt;  // damaged: the other records decide
    }
}

RunState state_of_launcher(const AttemptRecord& attempt) {
    if (attempt.end_ms || attempt.exit_code) {
        const int code = attempt.exit_code.value_or(0);
        // Code 0 without an outcome: nothing says that the ranks finished.
        return code > 0 && code <= kLargestOwnExitCode ? RunState::kFailed : RunState::kInterrupted;
    }
    if (attempt.host != host_name()) return RunState::kUnknown;
    const bool lives = attempt.boot_id == boot_id() &&
                       process_start_ticks(attempt.launcher_pid) == attempt.launcher_start_ticks;
    return lives ? RunState::kRunning : RunState::kInterrupted;
}

}  // namespace

const char* to_string(RunState state) {
    switch (state) {
        case RunState::kQueued:
            return "queued";
        case RunState::kRunning:
            return "running";
        case RunState::kCompleted:
            return "completed";
        case RunState::kStopped:
            return "stopped";
        case RunState::kFailed:
            return "failed";
        case RunState::kInterrupted:
            return "interrupted";
        case RunState::kUnknown:
            break;
    }
    return "unknown";
}

RunState state_of(const RunDirectory& run) {
    const int newest = run.newest_attempt();
    if (newest == 0) return RunState::kQueued;
    const std::optional<OutcomeRecord> outcome = readable_outcome(run, newest);
    if (outcome && outcome->outcome == Outcome::kCompleted) return RunState::kCompleted;
    if (!read_rank_errors(run, newest).empty()) return RunState::kFailed;
    if (outcome) return RunState::kStopped;
    try {
        const std::optional<AttemptRecord> attempt = read_attempt(run, newest);
        return attempt ? state_of_launcher(*attempt) : RunState::kInterrupted;
    } catch (const Error&) {
        return RunState::kInterrupted;
    }
}

}  // namespace r1
