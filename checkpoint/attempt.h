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

/// Where Slurm runs an attempt.
struct SlurmPlace {
    std::int64_t job = 0;
    std::string cluster;        ///< of a federation; usually empty
    std::int64_t restarts = 0;  ///< how often the same job has been started before
    std::string partition;
    std::vector<std::string> nodes;
};

/// Why an attempt ended, as its epilogue found it.
enum class Ending {
    kCompleted,   ///< every stage is done
    kNextJob,     ///< the job's stages are done; another job does the others
    kCancelled,   ///< saved and stopped because the user wished it
    kTimeLimit,   ///< saved before the limit, or cut off by it
    kPreempted,   ///< saved and stopped on a signal that nobody of ours sent
    kRankFailed,  ///< a rank said why
    kRankKilled,  ///< a rank died without a word
    kBudget,      ///< saved and stopped because the run's budget is used up
    kHung,        ///< the watchdog ended ranks that did not go on
    kSuperseded,  ///< another attempt of the run had begun
    kLost,        ///< nothing was written at the end: the node or the whole job was killed
};
const char* to_string(Ending ending);

/// How a run goes on after an attempt that did not complete it.
enum class GoesOn { kNot, kRequeued, kFollowUp };

struct AttemptRecord {
    int number = 0;
    std::string launcher;  ///< "mpirun", "srun"
    std::string host;      ///< where the launcher runs
    std::int64_t launcher_pid = 0;
    std::int64_t launcher_start_ticks = 0;  ///< /proc/<pid>/stat field 22: tells reused pids apart
    std::string boot_id;                    ///< of that host: a reboot ends everything
    std::string user;     ///< who runs it, by number where there is no name; empty in old records
    std::string account;  ///< that Slurm books it on; empty without Slurm, and in old records
    std::int64_t ranks = 0;
    std::int64_t threads_per_rank = 0;
    std::int64_t gpus = 0;  ///< allocated
    std::int64_t start_ms = 0;
    std::optional<std::int64_t> end_ms;
    std::optional<int> exit_code;  ///< of the launcher's child, in the shell's convention
    std::optional<std::int64_t> deadline_ms;        ///< by the launcher's clock: Slurm ends it then
    std::optional<std::int64_t> budget_end_ms;      ///< the run's budget pays for it until then
    std::optional<std::int64_t> budget_warning_ms;  ///< 80% of the budget is used then
    std::int64_t start_step = 0;                    ///< of the newest checkpoint when it began

    // Under Slurm.
    int job = 0;  ///< number of the job's record; 0: without Slurm
    std::optional<SlurmPlace> slurm;
    std::size_t end_stage = 0;  ///< the ranks stop before it; 0: after the last
    std::optional<Ending> ending;
    std::string ending_detail;             ///< for people: "rank 3 on node2 was killed by signal 9"
    std::optional<std::int64_t> end_step;  ///< of the newest checkpoint when it ended
    std::vector<std::string> bad_nodes;    ///< on which ranks died or hung
    GoesOn goes_on = GoesOn::kNot;
};

/// Where each rank ran.
struct RankPlace {
    int rank = 0;
    std::string host;  ///< the node's name in Slurm where there is one
    std::int64_t pid = 0;
    std::string device;  ///< "cpu avx2, 1 thread"
};

enum class Outcome { kCompleted, kStopped };
/// Why ranks stopped before the last step.
enum class StopReason { kNone, kSignal, kDeadline, kNextJob, kBudget };
/// How the ranks say they ended: all stages done, or stopped after saving.
struct OutcomeRecord {
    Outcome outcome = Outcome::kCompleted;
    std::int64_t step = 0;
    std::int64_t end_ms = 0;
    StopReason reason = StopReason::kNone;
};

/// Why one rank failed, in words for the user.
struct RankError {
    int rank = 0;
    std::string host;
    std::string message;
    int exit_code = 1;
    bool hung = false;  ///< found by the watchdog; it may be written by another rank
};

void write_attempt(const RunDirectory& run, const AttemptRecord& record);
std::optional<AttemptRecord> read_attempt(const RunDirectory& run, int number);
void write_ranks(const RunDirectory& run, int attempt, const std::vector<RankPlace>& ranks);
std::vector<RankPlace> read_ranks(const RunDirectory& run, int attempt);

/// How the ranks of an attempt began; a part of ranks.json, which says when it was written.
struct RanksBeginning {
    std::int64_t up_ms = 0;                 ///< all ranks were up
    std::optional<std::int64_t> from_step;  ///< of the checkpoint that they went on from
};
/// Adds the step to ranks.json. Does nothing when there is none.
void note_from_step(const RunDirectory& run, int attempt, std::int64_t step);
/// nullopt when the ranks never came up, or an older version wrote the record.
std::optional<RanksBeginning> read_ranks_beginning(const RunDirectory& run, int attempt);
void write_outcome(const RunDirectory& run, int attempt, const OutcomeRecord& record);
std::optional<OutcomeRecord> read_outcome(const RunDirectory& run, int attempt);
void write_rank_error(const RunDirectory& run, int attempt, const RankError& error);
/// By rank; the first that failed in time is usually the cause.
std::vector<RankError> read_rank_errors(const RunDirectory& run, int attempt);

/// Fills in user, host, pid, start ticks and boot id of a process on this host: the one that starts
/// the ranks and waits for them.
AttemptRecord describe_launcher(std::int64_t pid);

enum class RunState {
    kQueued,       ///< created, no attempt yet, or its next one waits in the queue
    kRunning,      ///< its launcher lives
    kCompleted,    ///< every stage done
    kStopped,      ///< saved and stopped on request; resume goes on
    kFailed,       ///< a rank failed, and nothing goes on by itself
    kInterrupted,  ///< the launcher or the ranks were killed; resume goes on
    kUnknown,      ///< started on another host, which cannot be asked from here
};
const char* to_string(RunState state);

/// Derived from the records and, on the launcher's own host, from whether it lives. A run that
/// ended is never called running.
RunState state_of(const RunDirectory& run);

}  // namespace r1
