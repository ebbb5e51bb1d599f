// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/page_buffer.h"
#include "checkpoint/share.h"
#include "checkpoint/throttle.h"
#include "mpi_runtime/store/file_places.h"
#include "mpi_runtime/store/volume.h"

namespace r1 {

/// What one rank does for one checkpoint. Knows of no other rank; CollectiveWriter brings them
/// together. In this order: make_folder, link_frozen (the leader), add, copy, write (all), commit
/// or drop (the leader). Each but drop throws Error. write and commit may run in another thread.
class SaveJob {
  public:
    /// `temporary`: the folder, the same for all ranks. `head`: step, run, state and metrics.
    SaveJob(std::filesystem::path temporary, Manifest head);

    /// The temporary folder, and that of all checkpoints.
    void make_folder();
    /// Takes the files of this prefix over from another checkpoint, without a copy: one place on
    /// the disk, a name in each checkpoint, gone with the last. False where there are none or the
    /// file system has no links.
    bool link_frozen(const std::string& prefix, const Manifest& other);

    /// Borrows the places until the end of the job, and what the volume points to until copy().
    void add(Volume volume, const FilePlaces& places);
    /// From then on the training may change its state. Borrows the memory until write() has ended.
    void copy(PageBuffer& memory);
    void write(Throttle& throttle);
    /// For the leader, after write().
    const std::string& report() const { return report_; }

    /// The manifest from what all ranks report, and the rename.
    void commit(const std::vector<std::string>& reports);
    void drop() noexcept;
    const Manifest& manifest() const { return manifest_; }

  private:
    /// One volume as this rank writes it.
    struct Part {
        const FilePlaces* places = nullptr;
        std::vector<TensorInfo> tensors;  // loose ones last
        std::vector<LooseTensor> loose;
        FileLayout layout;  // of the file that this rank writes to
        std::vector<ShareRange> ranges;
    };
    Share share_of(Part& part) const;

    std::filesystem::path checkpoints_;
    std::filesystem::path temporary_;
    Manifest manifest_;
    std::vector<Part> parts_;
    std::string report_;
};

}  // namespace r1
