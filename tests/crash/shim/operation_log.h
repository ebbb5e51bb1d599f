// SPDX-License-Identifier: Apache-2.0
// What the shim wrote down.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/crash/shim/shim.h"

namespace r1::shim {

/// How a record begins in the file; `path_bytes`, `path2_bytes` and `data_bytes` bytes follow.
struct RecordHead {
    std::uint64_t number = 0;
    std::int64_t result = 0;
    std::uint64_t inode = 0;   ///< of the file or folder that it is about, where it exists
    std::uint64_t offset = 0;  ///< of a write or an allocation; the new size of a truncation
    std::uint64_t bytes = 0;   ///< asked for
    std::uint64_t data_bytes = 0;
    Kind kind = Kind::kMark;
    std::int32_t error = 0;  ///< errno when result is -1
    std::int32_t flags = 0;  ///< of open, renameat2, fallocate
    std::int32_t pid = 0;
    std::uint32_t path_bytes = 0;
    std::uint32_t path2_bytes = 0;
};

/// One operation, after it was done.
struct Record : RecordHead {
    std::string path;   ///< absolute
    std::string path2;  ///< the new name of a rename, a link or a symbolic link
    std::string data;   ///< that was written

    bool done() const { return result >= 0; }
};

/// In the order in which they happened. Throws std::runtime_error when the file is torn.
std::vector<Record> read_log(const std::filesystem::path& log);
const char* to_string(Kind kind);
/// For messages: "17 fsync /x/y: Input/output error".
std::string describe(const Record& record);

}  // namespace r1::shim
