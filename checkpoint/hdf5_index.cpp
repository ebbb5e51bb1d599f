// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "checkpoint/hdf5_skeleton.h"
#include "checkpoint/hdf5_structure.h"

namespace r1 {
namespace {

/// Rows of a tensor that one file holds.
struct Rows {
    std::string file;
    std::uint64_t begin = 0;  // bytes
    std::uint64_t bytes = 0;
};

/// The pieces of several writers to one file are one dataset there.
std::vector<Rows> rows_by_file(const TensorEntry& tensor) {
    std::vector<Rows> rows;
    for (const TensorPiece& piece : tensor.pieces) {
        if (rows.empty() || rows.back().file != piece.file)
            rows.push_back({piece.file, piece.begin, 0});
        rows.back().bytes += piece.bytes;
    }
    return rows;
}

void map(const hdf5::PropertyList& create, const TensorEntry& tensor, const Rows& rows) {
    const std::uint64_t row = tensor.bytes() / static_cast<std::uint64_t>(tensor.shape.front());
    std::vector<std::int64_t> shape = tensor.shape;
    shape.front() = static_cast<std::int64_t>(rows.bytes / row);
    std::vector<hsize_t> start(shape.size(), 0);
    start.front() = rows.begin / row;
    const std::vector<hsize_t> count(shape.begin(), shape.end());
    const hdf5::DataSpace whole = hdf5::make_space(tensor.shape);
    hdf5::check(H5Sselect_hyperslab(whole.get(), H5S_SELECT_SET, start.data(), nullptr,
                                    count.data(), nullptr),
                "H5Sselect_hyperslab");
    hdf5::check(H5Pset_virtual(create.get(), whole.get(), rows.file.c_str(), tensor.name.c_str(),
                               hdf5::make_space(shape).get()),
                "H5Pset_virtual");
}

}  // namespace

Skeleton make_hdf5_index(const std::filesystem::path& folder, const Manifest& manifest) {
    const std::vector<TensorInfo> tensors(manifest.tensors.begin(), manifest.tensors.end());
    hdf5::StructureFile file(folder, {manifest.run_id, manifest.step, 0, 1}, tensors,
                             tensors.size());
    for (const TensorEntry& tensor : manifest.tensors) {
        const std::vector<Rows> parts = rows_by_file(tensor);
        if (parts.size() == 1) {
            file.add_link(parts.front().file, tensor.name);
            continue;
        }
        const hdf5::PropertyList create = hdf5::make_list(H5P_DATASET_CREATE);
        for (const Rows& rows : parts) map(create, tensor, rows);
        file.add(tensor, tensor.shape, create);
    }
    return std::move(file).finish();
}

}  // namespace r1
