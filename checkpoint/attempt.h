// SPDX-License-Identifier: Apache-2.0
// Records of one attempt: one start of the ranks. The launcher writes attempt.json when it starts
// and again when it ends; rank 0 writes ranks.json once all ranks are up and outcome.json when they
// stop in good order; a rank that fails writes error-rank<N>.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/run_directory.h"

namespace r1 {

struct AttemptRecord {
    int number = 0;
    std::string launcher;  ///< "mpirun"
    std::string host;      ///< where the launcher runs
    std::int64_t launcher_pid = 0;
    std::int64_t launcher_start_ticks = 0;  ///< /proc/<pid>/stat field 22: tells reused pids apart
    std::string boot_id;                    ///< of that host: a reboot ends everything
    std::int64_t ranks = 0;
    std::int64_t threads_per_rank = 0;
    std::int64_t gpus = 0;  ///< allocated
    std::int64_t start_ms = 0;
    std::optional<std::int64_t> end_ms;
    std::optional<int> exit_code;  ///< of the launcher's child, in the shell's convention
};

/// Where each rank ran.
struct RankPlace {
    int rank = 0;
    std::string host;
    std::int64_t pid = 0;
    std::string device;  ///< "cpu avx2, 1 thread"
};

enum class Outcome { kCompleted, kStopped };
/// How the ranks say they ended: all stages done, or stopped on request after saving.
struct OutcomeRecord {
    Outcome outcome = Outcome::kCompleted;
    std::int64_t step = 0;
    std::int64_t end_ms = 0;
};

/// Why one rank failed, in words for the user.
struct RankError {
    int rank = 0;
    std::string host;
    std::string message;
    int exit_code = 1;
};

void write_attempt(const RunDirectory& run, const AttemptRecord& record);
std::optional<AttemptRecord> read_attempt(const RunDirectory& run, int number);
void write_ranks(const RunDirectory& run, int attempt, const std::vector<RankPlace>& ranks);
std::vector<RankPlace> read_ranks(const RunDirectory& run, int attempt);
void write_outcome(const RunDirectory& run, int attempt, const OutcomeRecord& record);
std::optional<OutcomeRecord> read_outcome(const RunDirectory& run, int attempt);
void write_rank_error(const RunDirectory& run, int attempt, const RankError& error);
/// By rank; the first that failed in time is usually the cause.
std::vector<RankError> read_rank_errors(const RunDirectory& run, int attempt);

/// Fills in host, pid, start ticks and boot id of this process.
AttemptRecord describe_this_launcher();

enum class RunState {
    kQueued,       ///< created, no attempt yet
    kRunning,      ///< its launcher lives
    kCompleted,    ///< every stage done
    kStopped,      ///< saved and stopped on request; resume goes on
    kFailed,       ///< a rank failed
    kInterrupted,  ///< the launcher or the ranks were killed; resume goes on
    kUnknown,      ///< started on another host, which cannot be asked from here
};
const char* to_string(RunState state);

/// Derived from the records and, on the launcher's own host, from whether it lives. A run that
/// ended is never called running.
RunState state_of(const RunDirectory& run);

}  // namespace r1
