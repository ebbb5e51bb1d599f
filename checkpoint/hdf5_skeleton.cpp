// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/hdf5_skeleton.h"

#include <sys/resource.h>

#include <string>
#include <utility>

#include "checkpoint/hdf5_structure.h"
#include "checkpoint/page_buffer.h"

namespace r1 {
namespace {

// Returns where the dataset's bytes belong.
Extent add_dataset(hdf5::StructureFile& file, const TensorInfo& tensor, const FileDataset& rows,
                   const hdf5::PropertyList& create) {
    const hdf5::DataSet dataset = file.add(tensor, rows.shape, create);
    if (rows.shape != tensor.shape) {
        hdf5::write_numbers(dataset.get(), "global_shape", tensor.shape);
        hdf5::write_number(dataset.get(), "first_row", rows.first_row);
    }
    if (rows.range.bytes == 0) return {};
    const haddr_t offset = H5Dget_offset(dataset.get());
    if (offset == HADDR_UNDEF)
        throw_library_error("HDF5", "H5Dget_offset of '" + tensor.name + "'",
                            hdf5::take_error_text());
    return {offset, rows.range.bytes};
}

// HDF5 would meet the limit when it closes the file, and crash at exit.
void refuse_beyond_limit(const FileLayout& layout) {
    std::uint64_t bytes = 0;
    for (const FileDataset& rows : layout.datasets) bytes += rows.range.bytes + kPageBytes;
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || bytes < limit.rlim_cur) return;
    throw Error(ExitCode::kRunFailed,
                "cannot save a checkpoint: no room for " + std::to_string(bytes) +
                    " bytes in one file; `ulimit -f` says how large one may be");
}

}  // namespace

Skeleton make_hdf5_skeleton(const std::filesystem::path& folder, const SkeletonHead& head,
                            const std::vector<TensorInfo>& tensors, const FileLayout& layout,
                            std::size_t loose) {
    refuse_beyond_limit(layout);
    hdf5::StructureFile file(folder, head, tensors, tensors.size() - loose);
    const hdf5::PropertyList create = hdf5::make_list(H5P_DATASET_CREATE);
    hdf5::check(H5Pset_layout(create.get(), H5D_CONTIGUOUS), "H5Pset_layout");
    hdf5::check(H5Pset_alloc_time(create.get(), H5D_ALLOC_TIME_EARLY), "H5Pset_alloc_time");
    hdf5::check(H5Pset_fill_time(create.get(), H5D_FILL_TIME_NEVER), "H5Pset_fill_time");
    std::vector<Extent> datasets;
    for (const FileDataset& rows : layout.datasets)
        datasets.push_back(add_dataset(file, tensors[rows.range.tensor], rows, create));
    Skeleton skeleton = std::move(file).finish();
    skeleton.datasets = std::move(datasets);
    return skeleton;
}

}  // namespace r1
