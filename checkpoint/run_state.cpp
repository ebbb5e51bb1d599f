// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/attempt.h"
#include "checkpoint/process.h"
#include "common/error.h"
#include "common/host.h"

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

std::optional<AttemptRecord> readable_attempt(const RunDirectory& run, int attempt) {
    try {
        return read_attempt(run, attempt);
    } catch (const Error&) {
        return std::nullopt;
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

/// Its epilogue did not let the run go on, although nobody wished it to stop.
bool was_given_up(const AttemptRecord& attempt) {
    if (!attempt.slurm || !attempt.ending) return false;
    const Ending ending = *attempt.ending;
    return ending != Ending::kCancelled && ending != Ending::kNextJob &&
           ending != Ending::kCompleted && ending != Ending::kSuperseded;
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
    const std::optional<AttemptRecord> attempt = readable_attempt(run, newest);
    if (attempt && attempt->goes_on != GoesOn::kNot) return RunState::kQueued;
    if (!read_rank_errors(run, newest).empty()) return RunState::kFailed;
    if (outcome) return RunState::kStopped;
    if (attempt && was_given_up(*attempt)) return RunState::kFailed;
    return attempt ? state_of_launcher(*attempt) : RunState::kInterrupted;
}

}  // namespace r1
