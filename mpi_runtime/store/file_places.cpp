// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/store/file_places.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "common/error.h"
#include "common/host.h"

namespace r1 {
namespace {

constexpr char kProblem = '!';
constexpr char kPlaces = '=';

/// The bytes of a file and where its datasets lie, as one rank tells it to another of this run; or
/// why it cannot be told.
std::string structure_text(const Volume& volume, const std::vector<FileLayout>& layouts,
                           std::size_t file, const std::filesystem::path& folder) {
    Skeleton skeleton;
    try {
        skeleton = make_hdf5_skeleton(folder, {"", 0, file, layouts.size()}, volume.tensors,
                                      layouts[file]);
    } catch (const Error& error) {
        return kProblem + std::string(error.what());
    }
    std::vector<std::uint64_t> numbers{skeleton.bytes};
    for (const Extent& dataset : skeleton.datasets)
        numbers.insert(numbers.end(), {dataset.offset, dataset.bytes});
    std::string text(1 + numbers.size() * sizeof(std::uint64_t), kPlaces);
    std::memcpy(text.data() + 1, numbers.data(), text.size() - 1);
    return text;
}

std::uint64_t unpack(const std::string& text, std::vector<Extent>& datasets) {
    std::vector<std::uint64_t> numbers((text.size() - 1) / sizeof(std::uint64_t));
    std::memcpy(numbers.data(), text.data() + 1, numbers.size() * sizeof(std::uint64_t));
    for (std::size_t i = 1; i + 1 < numbers.size(); i += 2)
        datasets.push_back({numbers[i], numbers[i + 1]});
    return numbers.front();
}

bool same_range(const TensorRange& a, const TensorRange& b) {
    return a.tensor == b.tensor && a.begin == b.begin && a.bytes == b.bytes;
}

bool same_tensor(const TensorInfo& a, const TensorInfo& b) {
    return a.name == b.name && a.type == b.type && a.shape == b.shape;
}

bool same_ranges(const std::vector<TensorRange>& a, const std::vector<TensorRange>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_range);
}

}  // namespace

std::vector<std::size_t> files_by_rank(Communicator& comm, bool file_a_rank) {
    const std::vector<std::string> nodes = comm.all_gather(node_name());
    std::vector<std::size_t> files(nodes.size(), 0);
    for (std::size_t rank = 1; rank < nodes.size(); ++rank)
        files[rank] = files[rank - 1] + (file_a_rank || nodes[rank] != nodes[rank - 1] ? 1 : 0);
    return files;
}

FilePlaces::FilePlaces(Communicator& comm, const Volume& volume,
                       const std::vector<std::size_t>& file_of, const std::filesystem::path& folder)
    : prefix_(volume.prefix),
      tensors_(volume.tensors),
      ranges_(volume.ranges),
      layouts_(lay_out_files(volume.tensors, volume.ranges, file_of, volume.prefix)),
      rank_(static_cast<std::size_t>(comm.rank())),
      file_(file_of[rank_]) {
    const auto first = std::find(file_of.begin(), file_of.end(), file_) - file_of.begin();
    owner_ = static_cast<std::size_t>(first) == rank_;
    std::string own;
    if (owner_) own = structure_text(volume, layouts_, file_, folder);
    const std::vector<std::string> all = comm.all_gather(own);
    for (const std::string& text : all)
        if (text.starts_with(kProblem)) throw Error(ExitCode::kLibrary, text.substr(1));
    bytes_ = unpack(all[static_cast<std::size_t>(first)], datasets_);
}

bool FilePlaces::fit(const Volume& volume) const {
    return prefix_ == volume.prefix &&
           std::equal(tensors_.begin(), tensors_.end(), volume.tensors.begin(),
                      volume.tensors.end(), same_tensor) &&
           std::equal(ranges_.begin(), ranges_.end(), volume.ranges.begin(), volume.ranges.end(),
                      same_ranges);
}

std::uint64_t FilePlaces::offset_of(const TensorRange& range) const {
    const std::size_t dataset = dataset_of(layouts_[file_], range);
    return datasets_[dataset].offset + range.begin - layouts_[file_].datasets[dataset].range.begin;
}

void FilePlaces::check(const Skeleton& skeleton) const {
    for (std::size_t i = 0; i < datasets_.size(); ++i)
        if (skeleton.datasets[i].offset != datasets_[i].offset)
            throw Error(ExitCode::kCheckpoint, "HDF5 put a tensor elsewhere in '" +
                                                   layouts_[file_].name + "' than before");
}

}  // namespace r1
