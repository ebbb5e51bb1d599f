// SPDX-License-Identifier: Apache-2.0
// The files of the index: the database, its seal, and the lock that keeps processes apart. SQLite's
// own locks are not used: on NFS they are what breaks databases.
#pragma once

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "common/file.h"

namespace r1 {

/// Why there is no index just now, for the log. Nothing is lost by it.
class IndexUnusable : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class IndexFiles {
  public:
    explicit IndexFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

    std::filesystem::path database() const { return folder_ / "index.sqlite"; }
    std::filesystem::path seal() const { return folder_ / "index.seal"; }
    std::filesystem::path lock_file() const { return folder_ / "index.lock"; }

    /// Held until the descriptor is closed. Makes the folder. Throws IndexUnusable when it cannot
    /// be written, the file system has no locks, or others hold the lock for `wait_s`.
    FileDescriptor lock_shared(double wait_s) const { return lock(false, wait_s); }
    FileDescriptor lock_alone(double wait_s) const { return lock(true, wait_s); }

    enum class Condition { kMissing, kSealed, kDamaged };
    /// Whether every byte of the database is what was written. Needs a lock.
    Condition condition() const;
    /// These need the lock alone.
    void break_seal() const;
    void write_seal() const;
    void remove() const;  ///< the database and its seal

  private:
    FileDescriptor lock(bool alone, double wait_s) const;
    std::string seal_text() const;

    std::filesystem::path folder_;
};

/// $XDG_STATE_HOME/r1ctl, or ~/.local/state/r1ctl; nullopt without a home.
std::optional<std::filesystem::path> state_folder();

}  // namespace r1
