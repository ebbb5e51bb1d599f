// SPDX-License-Identifier: Apache-2.0
#include "tests/checkpoint/one_process_writer.h"

#include <unistd.h>

#include <limits>
#include <set>
#include <utility>

#include "checkpoint/commit.h"
#include "checkpoint/copy_and_hash.h"
#include "checkpoint/retention.h"
#include "checkpoint/share.h"
#include "common/error.h"
#include "common/text.h"
#include "common/time.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

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

class Hdf5CheckpointWriter final : public CheckpointWriter {
  public:
    Hdf5CheckpointWriter(fs::path checkpoints, std::string run_id)
        : checkpoints_(std::move(checkpoints)), run_id_(std::move(run_id)) {}

    void save(std::int64_t step, bool keep, const std::string& state,
              const std::vector<TensorView>& tensors) override {
        if (step < 0) throw Error(ExitCode::kCheckpoint, "cannot save a step below 0");
        check_tensors(tensors);
        Manifest manifest;
        manifest.step = step;
        manifest.run_id = run_id_;
        manifest.written_at = utc_text(utc_milliseconds());
        manifest.keep = keep;
        manifest.state = state;
        const fs::path temporary = checkpoints_ / temporary_name(step, ::getpid());
        try {
            make_temporary(checkpoints_, temporary);
            add_report(manifest, write(temporary, step, tensors));
            seal_checkpoint(checkpoints_, temporary, manifest);
        } catch (...) {
            drop_temporary(temporary);
            throw;
        }
    }

    void retain(std::int64_t keep_last) override {
        RetentionPolicy policy;
        policy.keep_last = keep_last;
        remove_leftovers(checkpoints_);
        Retention(checkpoints_, policy).apply();
    }

  private:
    /// All tensors as one process's share of one file.
    ShareReport write(const fs::path& temporary, std::int64_t step,
                      const std::vector<TensorView>& tensors) const {
        const std::vector<TensorInfo> infos(tensors.begin(), tensors.end());
        std::vector<TensorRange> whole;
        for (std::size_t i = 0; i < infos.size(); ++i) whole.push_back({i, 0, infos[i].bytes()});
        const FileLayout layout = lay_out_files(infos, {whole}, {0}, kFilePrefix).front();
        Share share;
        share.path = temporary / layout.name;
        share.skeleton = make_hdf5_skeleton(checkpoints_, {run_id_, step, 0, 1}, infos, layout);
        share.file_bytes = share.skeleton->bytes;
        for (std::size_t i = 0; i < infos.size(); ++i)
            share.ranges.push_back({infos[i], 0, whole[i].bytes, tensors[i].data,
                                    share.skeleton->datasets[i].offset,
                                    hash_blocks(tensors[i].data, whole[i].bytes)});
        Throttle unbounded(0);
        return write_share(share, unbounded);
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
