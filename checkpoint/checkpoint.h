// SPDX-License-Identifier: Apache-2.0
// A checkpoint is a folder step-<8 digits>/ holding one HDF5 file and its manifest. It exists when
// the folder has been renamed into place, and not before. Reading needs no HDF5 library: the
// manifest says where each tensor's bytes lie and what their xxh3-128 is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace r1 {

enum class TensorType { kFloat32, kFloat64, kInt32, kInt64, kUint8 };
std::size_t bytes_of(TensorType type);
const char* to_string(TensorType type);

/// A tensor to be written. Borrowed: `data` must live until save() returns.
struct TensorView {
    std::string name;  ///< becomes the HDF5 path: "model/lm_head.weight", "adam/m/lm_head.weight"
    TensorType type = TensorType::kFloat32;
    std::vector<std::int64_t> shape;
    const void* data = nullptr;
    std::size_t bytes() const;
};

/// A tensor as the manifest describes it.
struct TensorEntry {
    std::string name;
    TensorType type = TensorType::kFloat32;
    std::vector<std::int64_t> shape;
    std::string file;
    std::uint64_t offset = 0;  ///< of the first byte in the file
    std::uint64_t bytes = 0;
    std::string xxh3_128;  ///< 32 hex digits
};

/// A file as the manifest describes it.
struct FileEntry {
    std::string name;
    std::uint64_t bytes = 0;
    std::string rest_xxh3_128;  ///< of the bytes that belong to no tensor, in their order
};

struct Manifest {
    std::int64_t step = 0;  ///< over all stages
    std::string run_id;
    std::string written_at;  ///< UTC
    bool keep = false;       ///< the end of a stage: retention never removes it
    std::string state;       ///< the trainer's counters as JSON text; opaque here
    std::vector<FileEntry> files;
    std::vector<TensorEntry> tensors;

    const TensorEntry& tensor(const std::string& name) const;  ///< throws Error (kCheckpoint)
};

/// "step-00000100".
std::string checkpoint_name(std::int64_t step);

/// Reads and checks the manifest's own hash and the size of its files, not the tensors' bytes.
/// Throws Error (kCheckpoint) naming the file and what is wrong.
Manifest read_manifest(const std::filesystem::path& checkpoint);

/// Reads one tensor's bytes with pread and verifies their hash. `target` holds entry.bytes bytes.
/// Throws Error (kCheckpoint) naming the tensor.
void read_tensor(const std::filesystem::path& checkpoint, const TensorEntry& entry, void* target);

/// Reads every byte, those between the tensors too. Throws Error (kCheckpoint) at the first that is
/// wrong.
void verify_checkpoint(const std::filesystem::path& checkpoint);

/// The steps that have a folder, ascending. Temporary and foreign names are left out.
std::vector<std::int64_t> list_checkpoints(const std::filesystem::path& checkpoints);

/// What latest_verified() passed over on its way, for the log.
struct Rejected {
    std::int64_t step = 0;
    std::string reason;
};
/// The newest checkpoint that verifies, or nullopt; older ones are tried in turn.
std::optional<std::int64_t> latest_verified(const std::filesystem::path& checkpoints,
                                            std::vector<Rejected>& rejected);

/// Writes checkpoints of one run. One writer a run; libhdf5 stays behind it.
class CheckpointWriter {
  public:
    virtual ~CheckpointWriter() = default;
    /// Writes, syncs and renames into place; returns when the checkpoint exists. On an error the
    /// temporary folder is removed, Error is thrown, and what existed before is untouched.
    /// An existing checkpoint of the same step is replaced.
    virtual void save(std::int64_t step, bool keep, const std::string& state,
                      const std::vector<TensorView>& tensors) = 0;
    /// Removes the oldest beyond `keep_last`, but never one marked keep and never the newest that
    /// verifies. Also removes temporary folders that a killed save left behind.
    virtual void retain(std::int64_t keep_last) = 0;
};
std::unique_ptr<CheckpointWriter> make_hdf5_checkpoint_writer(std::filesystem::path checkpoints,
                                                              std::string run_id);

}  // namespace r1
