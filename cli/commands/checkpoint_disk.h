// SPDX-License-Identifier: Apache-2.0
// Room that folders take on the disk. A file may be in several checkpoints under hard links.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

namespace r1::cli {

/// Counts each file once, however many folders hold it.
class DiskUse {
  public:
    /// Bytes on the disk of the folder's files that were not counted before.
    std::uint64_t add(const std::filesystem::path& folder);

  private:
    std::set<std::pair<std::uint64_t, std::uint64_t>> counted_;  // device and inode
};

/// Bytes that the disk gets back when all of these folders go: those of files that are nowhere
/// else.
std::uint64_t freed_by(const std::vector<std::filesystem::path>& folders);

}  // namespace r1::cli
