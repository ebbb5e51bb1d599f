// SPDX-License-Identifier: Apache-2.0
// The HDF5 files of a checkpoint without the tensors' bytes. Folder-private. Not thread-safe, as
// HDF5 is not: one thread of a process calls these.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/file_layout.h"
#include "common/file.h"

namespace r1 {

/// What the root of every file says.
struct SkeletonHead {
    std::string run_id;
    std::int64_t step = 0;
    std::size_t file = 0;   ///< which one of
    std::size_t files = 1;  ///< so many
};

/// Bytes of a file.
struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};

struct Skeleton {
    FileDescriptor fd;  ///< nameless and sparse: only the structure takes room
    std::uint64_t bytes = 0;
    std::vector<Extent> datasets;  ///< where the bytes of each of the layout belong
};

/// A file with every dataset allocated and none written. Built in memory, or in `folder` where
/// /dev/shm has no room. The last `loose` tensors, which differ from save to save, come last in the
/// layout and do not move the others. Throws Error.
Skeleton make_hdf5_skeleton(const std::filesystem::path& folder, const SkeletonHead& head,
                            const std::vector<TensorInfo>& tensors, const FileLayout& layout,
                            std::size_t loose = 0);

/// A file in which every tensor of the manifest is whole again: links to those that one file beside
/// it holds, and virtual datasets over those that several hold.
Skeleton make_hdf5_index(const std::filesystem::path& folder, const Manifest& manifest);

}  // namespace r1
