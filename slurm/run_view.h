// SPDX-License-Identifier: Apache-2.0
// A run as its records and the cluster's queue tell it together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/attempt.h"
#include "checkpoint/job.h"
#include "slurm/scheduler.h"

namespace r1 {

struct RunView {
    RunDirectory run;
    RunState state = RunState::kUnknown;
    std::vector<JobRecord> jobs;  ///< empty: the run was never submitted
    /// Its job in the queue: the running one, or the one that would start next.
    std::optional<QueuedJob> queued;
    /// Why it is in this state, for people: "Priority", "node failure on node3", "the accounting
    /// does not answer".
    std::string note;
    std::string problem;  ///< a record that could not be read; the state is what the others say
};

/// One look at many runs. The queue is asked once, and the accounting once, for the runs whose
/// records leave it open how they are: none when every run has ended. `scheduler` may be null:
/// then only records count. A scheduler that does not answer is a note and never an error.
std::vector<RunView> view_runs(const std::vector<RunDirectory>& runs, Scheduler* scheduler);

}  // namespace r1
