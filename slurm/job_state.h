// SPDX-License-Identifier: Apache-2.0
// Slurm's words for the state of a job (squeue(1), sacct(1): JOB STATE CODES), as what they mean
// for a run.
#pragma once

#include <string>
#include <string_view>

namespace r1 {

enum class JobPhase {
    kWaiting,  ///< pending, requeued, held: it has no nodes
    kRunning,  ///< running, or on its way in or out: it has nodes
    kEnded,    ///< it will not run again by itself
    kUnknown,  ///< a word that this version does not know: never taken for an end
};

enum class JobEnd {
    kNone,  ///< it has not ended
    kCompleted,
    kFailed,  ///< the script's exit code was not 0, or it ran out of memory
    kCancelled,
    kTimeLimit,
    kPreempted,
    kNodeFailed,
};

/// One job's state. Output may hold flags in the place of the base state, several joined by '+' or
/// ',', or words after it: "CANCELLED by 1000", "COMPLETED,COMPLETING".
struct JobState {
    JobPhase phase = JobPhase::kUnknown;
    JobEnd end = JobEnd::kNone;
    std::string text;       ///< as Slurm wrote it
    bool requeued = false;  ///< this record's run was cut off, and the job was queued again
};

JobState parse_job_state(std::string_view text);

}  // namespace r1
