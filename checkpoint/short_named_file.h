// SPDX-License-Identifier: Apache-2.0
// A file for a library that opens by name only: it has a name until the library has opened it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/file.h"

namespace r1 {

/// In /dev/shm, or in `folder` where /dev/shm has no `room`. Locked while it has its name, so that
/// the next save anywhere on this machine tells one that a killed process left, and removes it.
class ShortNamedFile {
  public:
    /// Throws Error when neither place has room.
    ShortNamedFile(const std::filesystem::path& folder, std::uint64_t room);
    ShortNamedFile(const ShortNamedFile&) = delete;
    ShortNamedFile& operator=(const ShortNamedFile&) = delete;
    ~ShortNamedFile();

    const std::string& path() const { return path_; }
    /// Takes the name away and hands the descriptor over.
    FileDescriptor release();

  private:
    bool create(const std::filesystem::path& folder, std::uint64_t room);

    std::string path_;
    FileDescriptor fd_;
};

}  // namespace r1
