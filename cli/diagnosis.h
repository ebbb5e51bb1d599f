// SPDX-License-Identifier: Apache-2.0
// What this machine and its cluster have, and what is missing.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "slurm/cluster_facts.h"

namespace r1::cli {

struct Diagnosis {
    enum class Status { kOk, kMissing, kWarning };
    Status status = Status::kOk;
    std::string what;    ///< "mpirun", "partition gpu"
    std::string detail;  ///< what there is, or why it is missing
    std::string next;    ///< the command to type, where there is one
};
const char* to_string(Diagnosis::Status status);

/// mpirun, the rank program, GPUs.
std::vector<Diagnosis> diagnose_machine();

/// Slurm's commands, controller, accounting, MPI plug-ins, settings and partitions. Without Slurm
/// that is one line.
std::vector<Diagnosis> diagnose_slurm();

/// Cluster files, variables in the environment, and where the runs lie.
std::vector<Diagnosis> diagnose_setup(const std::filesystem::path& runs);

/// "up, 62 of 64 nodes usable, 128 cores and 8 h800 GPUs each, at most 1d a job".
std::string partition_text(const PartitionFacts& partition);

}  // namespace r1::cli
