// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "checkpoint/run_directory.h"

namespace r1 {

/// Whether the path is there now. The folder is opened first: on NFS only that asks the server, and
/// a name that was missing a moment ago is otherwise remembered as missing for up to a minute.
bool exists_now(const std::filesystem::path& path);

/// Keeps a rank from writing to a run whose next attempt has begun: a node's daemon died, Slurm
/// started the job elsewhere, and the ranks of the old one still run. The leader looks before every
/// write to the run's files; a write that has begun is finished.
class Fence {
  public:
    /// Of a command that belongs to no attempt: never superseded.
    Fence() = default;
    Fence(RunDirectory run, int attempt);

    /// Once true, it stays true.
    bool superseded();
    /// Throws Error (kRunFailed): "superseded by attempt 4".
    [[noreturn]] void refuse() const;

  private:
    std::optional<RunDirectory> run_;
    int attempt_ = 0;
    bool superseded_ = false;
};

}  // namespace r1
