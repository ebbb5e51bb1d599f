// SPDX-License-Identifier: Apache-2.0
// A checkpoint is a folder step-<8 digits>/ holding HDF5 files and their manifest. It exists when
// the folder has been renamed into place, and not before. Reading needs no HDF5 library: the
// manifest says where each piece of a tensor lies and what the xxh3-128 of each of its blocks is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "checkpoint/hash.h"
#include "checkpoint/tensor.h"

namespace r1 {

/// Bytes of a block, the unit that is hashed.
inline constexpr std::uint64_t kBlockBytes = std::uint64_t{4} << 20;

/// A tensor to be written. Borrowed: `data` must live until save() returns.
struct TensorView : TensorInfo {
    const void* data = nullptr;
};

/// A run of bytes of a tensor, in one file. Its first block begins at its first byte.
struct TensorPiece {
    std::string file;
    std::uint64_t offset = 0;  ///< of its first byte in the file
    std::uint64_t begin = 0;   ///< of its first byte in the tensor, row-major
    std::uint64_t bytes = 0;
    std::vector<Hash128> blocks;  ///< one a Manifest::block_bytes, the last may be shorter
};

/// A tensor as the manifest describes it: pieces by `begin`, which cover it without gap or overlap.
/// A tensor without bytes has no piece.
struct TensorEntry : TensorInfo {
    std::vector<TensorPiece> pieces;
};

/// A file as the manifest describes it.
struct FileEntry {
    std::string name;
    std::uint64_t bytes = 0;
    std::string rest_xxh3_128;  ///< of the bytes that belong to no piece, in their order
};

struct Manifest {
    std::int64_t step = 0;  ///< over all stages
    std::string run_id;
    std::string written_at;  ///< UTC
    bool keep = false;       ///< the end of a stage: retention never removes it
    std::string state;       ///< the trainer's counters as JSON text; opaque here
    /// Of this step; retention may go by one of them. One that is not finite is not written.
    std::map<std::string, double> metrics;
    std::uint64_t block_bytes = kBlockBytes;
    std::vector<FileEntry> files;
    std::vector<TensorEntry> tensors;

    const TensorEntry& tensor(const std::string& name) const;  ///< throws Error (kCheckpoint)
    const TensorEntry* find(const std::string& name) const;    ///< nullptr when there is none
};

/// "step-00000100".
std::string checkpoint_name(std::int64_t step);

/// Reads and checks the manifest's own hash and the size of its files, not the tensors' bytes.
/// Throws Error (kCheckpoint) naming the file and what is wrong.
Manifest read_manifest(const std::filesystem::path& checkpoint);

/// Reads tensors with pread; keeps the files open that it has read from. Not thread-safe.
class TensorReader {
  public:
    /// Borrows the manifest.
    TensorReader(std::filesystem::path checkpoint, const Manifest& manifest);
    TensorReader(TensorReader&&) noexcept;
    ~TensorReader();
    /// Bytes [begin, begin + bytes) of the tensor, from as many pieces as hold them. Every block
    /// that is touched is read whole and verified. Throws Error (kCheckpoint) naming tensor, block
    /// and file; `target` then holds nothing that may be used.
    void read(const TensorEntry& tensor, std::uint64_t begin, std::uint64_t bytes, void* target);

  private:
    struct Files;
    void read_block(const TensorEntry& tensor, const TensorPiece& piece, std::uint64_t block,
                    std::uint64_t begin, std::uint64_t end, char* target);

    std::filesystem::path checkpoint_;
    const Manifest* manifest_;
    std::unique_ptr<Files> files_;
};

/// The whole tensor. `target` holds entry.bytes() bytes.
void read_tensor(const std::filesystem::path& checkpoint, const Manifest& manifest,
                 const TensorEntry& entry, void* target);

/// One thing that is wrong with the bytes of a checkpoint.
struct Damage {
    std::string file;
    std::string tensor;        ///< empty: outside of every tensor, or the file as a whole
    std::uint64_t block = 0;   ///< of the piece in that file, from 0
    std::uint64_t offset = 0;  ///< of the block in the file
    std::string text;          ///< for people: names the place and what is wrong there
};
struct VerifyOptions {
    int part = 0;  ///< this caller's part of the work, of `parts` parts in equal bytes
    int parts = 1;
    std::function<void(std::uint64_t bytes)> read_so_far;  ///< may be empty; after each block
    std::stop_token stop;  ///< ends early, with what was found so far
};
/// Reads every byte, those between the tensors too, past the page cache where the file system lets
/// it, and lists all that is wrong. A file that cannot be read is one Damage of each part that has
/// a share of it.
std::vector<Damage> find_damage(const std::filesystem::path& checkpoint, const Manifest& manifest,
                                const VerifyOptions& options = {});
/// Throws Error (kCheckpoint) at the first damage.
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

}  // namespace r1
