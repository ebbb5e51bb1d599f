// SPDX-License-Identifier: Apache-2.0
// What is written about the writer of a run, and who may read and write it when. Folder-private.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "checkpoint/lease.h"
#include "common/file.h"

namespace r1 {

struct LeaseRecord {
    LeaseHolder holder;
    std::string process_namespace;  ///< in which holder.pid counts
    std::string token;              ///< of one taking: two are never equal
    std::int64_t beat = 0;          ///< moves while the holder lives
    /// Of the same taking, at the same beat.
    bool same_moment(const LeaseRecord& other) const {
        return token == other.token && beat == other.beat;
    }
};

/// nullopt when nobody has the run. Throws Error when the record cannot be read.
std::optional<LeaseRecord> read_lease(const RunDirectory& run);
/// Replaces the record.
void write_lease(const RunDirectory& run, const LeaseRecord& record);
/// Writes the record if there is none: false when there is one.
bool create_lease(const RunDirectory& run, const LeaseRecord& record);
void remove_lease(const RunDirectory& run);

/// 32 random hex digits.
std::string lease_token();

/// Whether the record's process can be looked up here, and whether it lives.
enum class Life { kLives, kDied, kUnknown };
Life life_of(const LeaseRecord& record);

/// Held around every look-and-write of the record. Where the file system has no locks it locks
/// nothing.
class LeaseLock {
  public:
    /// Waits, for at most `seconds`.
    LeaseLock(const RunDirectory& run, double seconds);
    /// False when another process has kept it all the time.
    bool may_write() const { return locked_ || !supported_; }
    /// False when nothing keeps others from writing.
    bool excludes() const { return locked_; }

  private:
    FileDescriptor fd_;
    bool locked_ = false;
    bool supported_ = true;
};

}  // namespace r1
