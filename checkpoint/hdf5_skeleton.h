// SPDX-License-Identifier: Apache-2.0
// An HDF5 file with every dataset allocated and no tensor byte written. Folder-private.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "common/file.h"

namespace r1 {

struct Skeleton {
    FileDescriptor fd;  ///< nameless and sparse: only the structure takes room
    std::uint64_t bytes = 0;
    std::vector<std::uint64_t> offsets;  ///< one a tensor; 0 for an empty one
};

/// Built in memory, or in `folder` where /dev/shm has no room. Throws Error. Not thread-safe, as
/// HDF5 is not.
Skeleton make_hdf5_skeleton(const std::filesystem::path& folder, const std::string& run_id,
                            std::int64_t step, const std::vector<TensorView>& tensors);

/// About how large the file becomes; rather too much than too little.
std::uint64_t estimate_skeleton(const std::vector<TensorView>& tensors);

}  // namespace r1
