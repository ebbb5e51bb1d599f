// SPDX-License-Identifier: Apache-2.0
// What one process writes of a checkpoint, and how the manifest is put together from what all of
// them report. No process knows of another here: who has what is the caller's to exchange.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/hdf5_skeleton.h"
#include "checkpoint/throttle.h"

namespace r1 {

/// Bytes with the place in a file that they go to, and their hashes.
struct ShareRange {
    TensorInfo tensor;        ///< of which they are a part
    std::uint64_t begin = 0;  ///< of the first byte in the tensor
    std::uint64_t bytes = 0;
    const void* data = nullptr;  ///< borrowed
    std::uint64_t offset = 0;    ///< in the file
    std::vector<Hash128> blocks;
};

/// One process's part of one file.
struct Share {
    std::filesystem::path path;    ///< in the temporary folder
    std::uint64_t file_bytes = 0;  ///< of the whole file
    std::vector<ShareRange> ranges;
    std::optional<Skeleton> skeleton;  ///< in the hands of the one process that the file belongs to
};

/// Reserves the file's room, writes the ranges, and the structure where the process has it; syncs.
/// Returns what the manifest has to say of it: tensors with the pieces of this process alone, and
/// the file where the process has the skeleton. Throws Error.
struct ShareReport {
    std::vector<FileEntry> files;
    std::vector<TensorEntry> tensors;
};
ShareReport write_share(const Share& share, Throttle& throttle);

/// A file of structure alone: the index. Synced.
FileEntry write_structure_file(const std::filesystem::path& path, const Skeleton& skeleton);

/// To be sent to the process that writes the manifest, and back.
std::string encode_report(const ShareReport& report);
/// Throws Error (kCheckpoint) when the text is none.
ShareReport decode_report(std::string_view text);

/// Adds what a process reports to the manifest: tensors that are new to it at the end, pieces by
/// their begin. After the last report they are whole.
void add_report(Manifest& manifest, const ShareReport& report);

}  // namespace r1
