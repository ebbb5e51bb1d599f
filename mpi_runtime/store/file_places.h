// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "checkpoint/hdf5_skeleton.h"
#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/store/volume.h"

namespace r1 {

/// Which file each rank writes to: one a run of ranks on the same node, or one a rank. Collective.
std::vector<std::size_t> files_by_rank(Communicator& comm, bool file_a_rank);

/// Where the bytes of a volume lie in its files. Made once for all saves that have the same
/// tensors: what a file holds besides (its step, loose tensors) does not move them.
class FilePlaces {
  public:
    /// The first rank of each file makes its structure and tells the others. Collective; throws
    /// Error on all ranks or on none.
    FilePlaces(Communicator& comm, const Volume& volume, const std::vector<std::size_t>& file_of,
               const std::filesystem::path& folder);

    /// Whether they are those of this volume.
    bool fit(const Volume& volume) const;
    const std::vector<FileLayout>& layouts() const { return layouts_; }
    std::size_t file() const { return file_; }
    bool owner() const { return owner_; }  ///< whether this rank writes its file's structure
    std::uint64_t file_bytes() const { return bytes_; }
    /// What this rank holds, and where that begins in its file.
    const std::vector<TensorRange>& own() const { return ranges_[rank_]; }
    std::uint64_t offset_of(const TensorRange& range) const;
    /// Throws Error (kCheckpoint) when a structure made later has its datasets elsewhere.
    void check(const Skeleton& skeleton) const;

  private:
    std::string prefix_;
    std::vector<TensorInfo> tensors_;
    std::vector<std::vector<TensorRange>> ranges_;
    std::vector<FileLayout> layouts_;
    std::size_t rank_ = 0;
    std::size_t file_ = 0;
    bool owner_ = false;
    std::uint64_t bytes_ = 0;
    std::vector<Extent> datasets_;  // of this rank's file
};

}  // namespace r1
