// SPDX-License-Identifier: Apache-2.0
// The text of manifest.json, and the checks that a hostile one does not pass. Folder-private.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "common/file.h"

namespace r1 {

inline constexpr int kFormatMajor = 1;  ///< a reader refuses a larger one
inline constexpr int kFormatMinor = 0;  ///< a reader ignores keys that it does not know
inline constexpr std::uint64_t kLargestManifest = std::uint64_t{64} << 20;
inline constexpr const char* kManifestName = "manifest.json";

/// shape × type, or nullopt when a side is negative, there are more than 32, or it overflows.
std::optional<std::uint64_t> checked_bytes(TensorType type, const std::vector<std::int64_t>& shape);

/// Whether a name may become an HDF5 path: '/' between non-empty parts, none of them "." or "..".
bool is_tensor_name(std::string_view name);

/// Canonical JSON; the last line is the xxh3-128 of everything above it.
std::string encode_manifest(const Manifest& manifest);
/// Checks the hash and everything that can be told without the files. Throws Error (kCheckpoint)
/// with `origin` in it.
Manifest decode_manifest(std::string_view text, const std::string& origin);

/// Throws Error (kCheckpoint) naming `what` and saying what to do.
[[noreturn]] void throw_bad_checkpoint(const std::filesystem::path& what,
                                       const std::string& problem);

/// A regular file opened for reading: never a link, never a pipe that would block.
struct OpenedFile {
    FileDescriptor fd;
    std::uint64_t bytes = 0;
};
OpenedFile open_checkpoint_file(const std::filesystem::path& path);

/// Reads exactly `bytes` bytes at `offset`. Throws Error (kCheckpoint) when the file is shorter.
void read_exactly(int fd, void* target, std::uint64_t bytes, std::uint64_t offset,
                  const std::filesystem::path& path_for_errors);

/// The tensors of one file that have bytes, by offset.
std::vector<const TensorEntry*> tensors_by_offset(const Manifest& manifest,
                                                  const std::string& file);

}  // namespace r1
