// SPDX-License-Identifier: Apache-2.0
// One call of one of Slurm's commands: an argument vector, a clean environment, a limit of time.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/subprocess.h"

namespace r1 {

/// How a command reads and writes times.
enum class SlurmClock {
    kLocal,  ///< times as people read them
    kEpoch,  ///< times as seconds since 1970; times given to the command are UTC
};

struct SlurmAnswer {
    std::string command;  ///< "sbatch"
    std::chrono::seconds limit{0};
    Captured captured;

    bool ok() const { return captured.end.ok() && !captured.timed_out; }
    /// Some versions of scancel and scontrol name the fault on stderr, and end with 0.
    bool did_it() const { return ok() && captured.errors.find("error: ") == std::string::npos; }
    /// How it failed, in its own words and with a remedy: "squeue failed (exit code 1): ...".
    std::string failure() const;
};

/// Runs it to its end. Of the caller's Slurm variables it inherits only those that say where the
/// cluster is and who asks; "SQUEUE_FORMAT", or what salloc sets, would change what it does. Throws
/// Error (kScheduler) only when it cannot be started.
SlurmAnswer ask_slurm(const std::vector<std::string>& arguments, std::chrono::seconds limit,
                      SlurmClock clock = SlurmClock::kLocal);
/// The same, and throws Error (kScheduler) when it fails.
SlurmAnswer call_slurm(const std::vector<std::string>& arguments, std::chrono::seconds limit,
                       SlurmClock clock = SlurmClock::kLocal);

}  // namespace r1
