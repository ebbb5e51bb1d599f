// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/store/save_job.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "checkpoint/commit.h"
#include "checkpoint/copy_and_hash.h"
#include "common/time.h"
#include "mpi_runtime/comm/progress.h"

namespace r1 {

namespace fs = std::filesystem;

SaveJob::SaveJob(fs::path temporary, Manifest head)
    : checkpoints_(temporary.parent_path()),
      temporary_(std::move(temporary)),
      manifest_(std::move(head)) {}

void SaveJob::make_folder() {
    make_temporary(checkpoints_, temporary_);
}

bool SaveJob::link_frozen(const std::string& prefix, const Manifest& other) {
    const fs::path folder = checkpoints_ / checkpoint_name(other.step);
    std::vector<FileEntry> files;
    for (const FileEntry& file : other.files) {
        if (!file.name.starts_with(prefix)) continue;
        if (::link((folder / file.name).c_str(), (temporary_ / file.name).c_str()) != 0) {
            for (const FileEntry& linked : files) ::unlink((temporary_ / linked.name).c_str());
            return false;
        }
        files.push_back(file);
    }
    for (const TensorEntry& tensor : other.tensors)
        if (!tensor.pieces.empty() && tensor.pieces.front().file.starts_with(prefix))
            manifest_.tensors.push_back(tensor);
    manifest_.files.insert(manifest_.files.end(), files.begin(), files.end());
    return !files.empty();
}

void SaveJob::add(Volume volume, const FilePlaces& places) {
    Part part;
    part.places = &places;
    part.tensors = std::move(volume.tensors);
    part.layout = places.layouts()[places.file()];
    part.loose = std::move(volume.loose);
    for (std::size_t i = 0; i < volume.own.size(); ++i) {
        const TensorRange& range = places.own()[i];
        part.ranges.push_back({part.tensors[range.tensor],
                               range.begin,
                               range.bytes,
                               volume.own[i],
                               places.offset_of(range),
                               {}});
    }
    for (const LooseTensor& tensor : part.loose) {
        part.layout.datasets.push_back(
            {{part.tensors.size(), 0, tensor.bytes.size()}, 0, tensor.info.shape});
        part.tensors.push_back(tensor.info);
    }
    // The manifest lists the tensors in this order, whoever reports first.
    for (const TensorInfo& tensor : part.tensors) manifest_.tensors.push_back({tensor, {}});
    parts_.push_back(std::move(part));
}

void SaveJob::copy(PageBuffer& memory) {
    // Each range as far from a page's begin as in its file: direct I/O takes it as it lies.
    const auto place = [](const ShareRange& range, std::uint64_t at) {
        return round_up_to_page(at) + range.offset % kPageBytes;
    };
    std::uint64_t size = 0;
    for (const Part& part : parts_)
        for (const ShareRange& range : part.ranges) size = place(range, size) + range.bytes;
    memory.reserve(size);
    std::uint64_t end = 0;
    for (Part& part : parts_) {
        for (ShareRange& range : part.ranges) {
            std::byte* const to = memory.data() + place(range, end);
            end = place(range, end) + range.bytes;
            range.blocks = copy_and_hash(to, range.data, range.bytes);
            range.data = to;
            beat();
        }
    }
}

/// The structure is made anew for every save: it says which step it is, and has the loose tensors.
Share SaveJob::share_of(Part& part) const {
    Share share;
    share.path = temporary_ / part.layout.name;
    share.file_bytes = part.places->file_bytes();
    share.ranges = std::move(part.ranges);
    if (!part.places->owner()) return share;
    const std::size_t files = part.places->layouts().size();
    share.skeleton = make_hdf5_skeleton(
        checkpoints_, {manifest_.run_id, manifest_.step, part.places->file(), files}, part.tensors,
        part.layout, part.loose.size());
    part.places->check(*share.skeleton);
    share.file_bytes = share.skeleton->bytes;
    const std::size_t first = part.layout.datasets.size() - part.loose.size();
    for (std::size_t i = 0; i < part.loose.size(); ++i) {
        const LooseTensor& tensor = part.loose[i];
        share.ranges.push_back({tensor.info, 0, tensor.bytes.size(), tensor.bytes.data(),
                                share.skeleton->datasets[first + i].offset,
                                hash_blocks(tensor.bytes.data(), tensor.bytes.size())});
    }
    return share;
}

void SaveJob::write(Throttle& throttle) {
    ShareReport all;
    for (Part& part : parts_) {
        ShareReport one = write_share(share_of(part), throttle);
        std::move(one.files.begin(), one.files.end(), std::back_inserter(all.files));
        std::move(one.tensors.begin(), one.tensors.end(), std::back_inserter(all.tensors));
    }
    report_ = encode_report(all);
}

void SaveJob::commit(const std::vector<std::string>& reports) {
    for (const std::string& report : reports) add_report(manifest_, decode_report(report));
    if (manifest_.files.size() > 1)
        manifest_.files.push_back(write_structure_file(temporary_ / kIndexFileName,
                                                       make_hdf5_index(checkpoints_, manifest_)));
    manifest_.written_at = utc_text(utc_milliseconds());
    seal_checkpoint(checkpoints_, temporary_, manifest_);
}

void SaveJob::drop() noexcept {
    drop_temporary(temporary_);
}

}  // namespace r1
