// SPDX-License-Identifier: Apache-2.0
// Looks at a cluster before a job waits in its queue for hours.
#pragma once

#include <string>
#include <vector>

#include "slurm/submission.h"

namespace r1 {

/// One thing that a cluster would refuse, or that would waste hours.
struct Finding {
    bool fatal = false;
    std::string message;  ///< names the key and the remedy
};

/// Asks the cluster about the plans: partition, time limit, nodes, GPUs of a node, account, data
/// files, a folder that nodes may not see, and sbatch --test-only.
std::vector<Finding> preflight(const Submission& submission, const std::vector<JobPlan>& plans,
                               Scheduler& scheduler);

}  // namespace r1
