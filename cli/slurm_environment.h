// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace r1::cli {

/// The job that this process is part of, as Slurm tells it in the environment (sbatch(1), OUTPUT
/// ENVIRONMENT VARIABLES). Throws Error (kUsage) when it is part of none.
struct SlurmEnvironment {
    std::int64_t job = 0;
    std::int64_t restarts = 0;
    std::string partition;
    std::string account;
    std::string node_list;
    std::string node;  ///< the name of this node in Slurm
};
SlurmEnvironment slurm_environment();

}  // namespace r1::cli
