// SPDX-License-Identifier: Apache-2.0
// The two questions of which every answer about jobs is made: squeue's and sacct's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "slurm/scheduler.h"

namespace r1 {

/// One call of squeue: this user's jobs, also those that ended in the last minutes, of which the
/// accounting may know nothing yet. `clusters` as of squeue --clusters; empty for the default one.
std::vector<QueuedJob> ask_queue(const SlurmOptions& options, const std::string& clusters);

/// One call of sacct with `selection` as what chooses the jobs: "--jobs=12,13". nullopt where there
/// is no accounting or it does not answer. Records submitted more than a minute before `since_s`
/// are left out: job ids are used again after a controller's state was reset.
std::optional<std::vector<PastJob>> ask_history(const SlurmOptions& options,
                                                const std::string& clusters,
                                                const std::vector<std::string>& selection,
                                                std::int64_t since_s);

/// This process's user, as squeue --user and sacct --user want it.
std::string slurm_user();

}  // namespace r1
