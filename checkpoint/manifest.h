// SPDX-License-Identifier: Apache-2.0
// The text of manifest.json, and the checks that a hostile one does not pass. Folder-private.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "common/file.h"
#include "common/json.h"

namespace r1 {

inline constexpr int kFormatMajor = 2;  ///< a reader refuses a larger one, and reads older ones
inline constexpr int kFormatMinor = 0;  ///< a reader ignores keys that it does not know
inline constexpr std::uint64_t kLargestManifest = std::uint64_t{256} << 20;
inline constexpr const char* kManifestName = "manifest.json";
inline constexpr std::string_view kHashLine = "xxh3-128 ";  ///< begins the last line

/// Blocks of `block_bytes` in `bytes`, the last of which may be shorter. Never overflows.
inline std::uint64_t count_blocks(std::uint64_t bytes, std::uint64_t block_bytes) {
    return bytes / block_bytes + (bytes % block_bytes != 0 ? 1 : 0);
}

/// As the manifest writes them.
Json to_json(const FileEntry& file);
Json to_json(const TensorEntry& tensor);
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
/// The same without a throw: what is wrong, or empty. `flags` are more of open(2).
std::string try_open_checkpoint_file(const std::filesystem::path& path, int flags,
                                     OpenedFile& file);

/// Reads exactly `bytes` bytes at `offset`. Throws Error (kCheckpoint) when the file is shorter.
void read_exactly(int fd, void* target, std::uint64_t bytes, std::uint64_t offset,
                  const std::filesystem::path& path_for_errors);

/// Where a block lies in its piece.
struct BlockRange {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};
inline BlockRange block_range(const Manifest& manifest, const TensorPiece& piece,
                              std::uint64_t block) {
    const std::uint64_t begin = block * manifest.block_bytes;
    return {begin, begin + std::min(manifest.block_bytes, piece.bytes - begin)};
}
/// "block 3 of tensor 'x' in 'shard.h5' (bytes 4096 to 8191) is damaged".
std::string damaged_block_text(const Manifest& manifest, const TensorEntry& tensor,
                               const TensorPiece& piece, std::uint64_t block);

/// A piece, with the tensor that it is of. Borrowed from the manifest.
struct PieceOf {
    const TensorEntry* tensor = nullptr;
    const TensorPiece* piece = nullptr;
};
/// The pieces in one file, by offset.
std::vector<PieceOf> pieces_in(const Manifest& manifest, const std::string& file);

}  // namespace r1
