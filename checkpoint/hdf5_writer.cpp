// SPDX-License-Identifier: Apache-2.0
// The order that makes a save safe: room reserved, bytes written and hashed, file synced, manifest
// written last and synced, folder synced, renamed, parent synced. HDF5 never writes to the disk.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <numeric>
#include <set>
#include <system_error>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/commit.h"
#include "checkpoint/hash.h"
#include "checkpoint/hdf5_skeleton.h"
#include "checkpoint/manifest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "common/time.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kShardName = "shard-00000-of-00001.h5";
constexpr std::uint64_t kBlockBytes = std::uint64_t{4} << 20;

void check_tensors(const std::vector<TensorView>& tensors) {
    std::set<std::string_view> names;
    std::uint64_t total = 0;
    for (const TensorView& tensor : tensors) {
        const auto refuse = [&](const char* why) {
            throw Error(ExitCode::kCheckpoint,
                        "cannot save tensor '" + printable(tensor.name) + "': " + why);
        };
        if (!is_tensor_name(tensor.name)) refuse("its name is no HDF5 path");
        if (!names.insert(tensor.name).second) refuse("another has the same name");
        const std::uint64_t bytes = tensor.bytes();
        if (bytes > 0 && tensor.data == nullptr) refuse("it has no data");
        if (bytes > std::numeric_limits<std::int64_t>::max() / 2 - total) refuse("it is too large");
        total += bytes;
    }
}

// Refuses a full disk before anything is written.
void reserve(int fd, std::uint64_t bytes, const fs::path& path) {
    int error = EINTR;
    while (error == EINTR) error = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
    if (error == 0) return;
    throw Error(ExitCode::kRunFailed, "cannot save a checkpoint: no room for " +
                                          std::to_string(bytes) + " bytes in '" +
                                          path.parent_path().parent_path().string() +
                                          "': " + std::generic_category().message(error) +
                                          "; free some space or keep fewer checkpoints");
}

void write_exactly(int fd, const char* data, std::uint64_t bytes, std::uint64_t offset,
                   const fs::path& path) {
    while (bytes > 0) {
        const ssize_t wrote = ::pwrite(fd, data, bytes, static_cast<off_t>(offset));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) throw_system_error("write", path.string());
        data += wrote;
        bytes -= static_cast<std::uint64_t>(wrote);
        offset += static_cast<std::uint64_t>(wrote);
    }
}

/// One shard while it is written.
class Shard {
  public:
    Shard(fs::path path, Skeleton skeleton, FileDescriptor fd)
        : path_(std::move(path)), skeleton_(std::move(skeleton)), fd_(std::move(fd)) {}

    // Writes a tensor's bytes; returns their hash. Block by block, so that a byte is hashed while
    // the cache still holds it.
    std::string write_tensor(const TensorView& tensor, std::uint64_t offset) {
        const auto* data = static_cast<const char*>(tensor.data);
        const std::uint64_t total = tensor.bytes();
        Hasher hasher;
        for (std::uint64_t at = 0; at < total; at += kBlockBytes) {
            const std::uint64_t bytes = std::min(kBlockBytes, total - at);
            hasher.update(data + at, bytes);
            write_exactly(fd_.get(), data + at, bytes, offset + at, path_);
        }
        return hasher.hex();
    }

    // Copies what HDF5 wrote between the tensors.
    void copy_rest(std::uint64_t begin, std::uint64_t end) {
        std::vector<char> block(std::min(kBlockBytes, end - begin));
        while (begin < end) {
            const std::uint64_t bytes = std::min<std::uint64_t>(block.size(), end - begin);
            read_exactly(skeleton_.fd.get(), block.data(), bytes, begin, path_);
            rest_.update(block.data(), bytes);
            write_exactly(fd_.get(), block.data(), bytes, begin, path_);
            begin += bytes;
        }
    }

    // The first reservation is an estimate, made before HDF5 is asked for anything.
    void reserve_all() { reserve(fd_.get(), skeleton_.bytes, path_); }
    std::string rest_hash() const { return rest_.hex(); }
    const Skeleton& skeleton() const { return skeleton_; }
    void sync() {
        if (::ftruncate(fd_.get(), static_cast<off_t>(skeleton_.bytes)) != 0)
            throw_system_error("set the size of", path_.string());
        sync_file(fd_.get(), path_);
    }

  private:
    fs::path path_;
    Skeleton skeleton_;
    FileDescriptor fd_;
    Hasher rest_;
};

class Hdf5CheckpointWriter final : public CheckpointWriter {
  public:
    Hdf5CheckpointWriter(fs::path checkpoints, std::string run_id)
        : checkpoints_(std::move(checkpoints)), run_id_(std::move(run_id)) {}

    void save(std::int64_t step, bool keep, const std::string& state,
              const std::vector<TensorView>& tensors) override {
        if (step < 0) throw Error(ExitCode::kCheckpoint, "cannot save a step below 0");
        check_tensors(tensors);
        make_checkpoints_folder();
        const fs::path temporary = checkpoints_ / temporary_name(step);
        std::error_code ignored;
        fs::remove_all(temporary, ignored);
        try {
            if (::mkdir(temporary.c_str(), 0755) != 0)
                throw_system_error("make the folder", temporary.string());
            Manifest manifest;
            manifest.step = step;
            manifest.run_id = run_id_;
            manifest.written_at = utc_text(utc_milliseconds());
            manifest.keep = keep;
            manifest.state = state;
            write_shard(temporary / kShardName, tensors, manifest);
            write_file_durably(temporary / kManifestName, encode_manifest(manifest));
            commit_checkpoint(checkpoints_, temporary, manifest);
        } catch (...) {
            fs::remove_all(temporary, ignored);
            throw;
        }
    }

    void retain(std::int64_t keep_last) override { retain_checkpoints(checkpoints_, keep_last); }

  private:
    void make_checkpoints_folder() const {
        std::error_code error;
        if (!fs::create_directories(checkpoints_, error) && !error) return;
        errno = error.value();
        if (error) throw_system_error("make the folder", checkpoints_.string());
        const fs::path parent = checkpoints_.parent_path();
        sync_folder(parent.empty() ? fs::path(".") : parent);
    }

    void write_shard(const fs::path& path, const std::vector<TensorView>& tensors,
                     Manifest& manifest) const {
        FileDescriptor fd = open_file(path, O_RDWR | O_CREAT | O_EXCL);
        reserve(fd.get(), estimate_skeleton(tensors), path);
        Shard shard(path, make_hdf5_skeleton(path.parent_path(), run_id_, manifest.step, tensors),
                    std::move(fd));
        shard.reserve_all();
        const std::vector<std::uint64_t>& offsets = shard.skeleton().offsets;

        std::vector<std::size_t> order(tensors.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return offsets[a] < offsets[b]; });
        std::vector<std::string> hashes(tensors.size());
        std::uint64_t end = 0;
        for (const std::size_t i : order) {
            hashes[i] = shard.write_tensor(tensors[i], offsets[i]);
            if (tensors[i].bytes() == 0) continue;
            shard.copy_rest(end, offsets[i]);
            end = offsets[i] + tensors[i].bytes();
        }
        shard.copy_rest(end, shard.skeleton().bytes);
        shard.sync();

        manifest.files.push_back({kShardName, shard.skeleton().bytes, shard.rest_hash()});
        for (std::size_t i = 0; i < tensors.size(); ++i)
            manifest.tensors.push_back({tensors[i].name, tensors[i].type, tensors[i].shape,
                                        kShardName, offsets[i], tensors[i].bytes(), hashes[i]});
    }

    fs::path checkpoints_;
    std::string run_id_;
};

}  // namespace

std::unique_ptr<CheckpointWriter> make_hdf5_checkpoint_writer(fs::path checkpoints,
                                                              std::string run_id) {
    return std::make_unique<Hdf5CheckpointWriter>(std::move(checkpoints), std::move(run_id));
}

}  // namespace r1
