// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/hdf5_skeleton.h"

#include <sys/stat.h>

#include <utility>

#include "checkpoint/hdf5_handle.h"
#include "checkpoint/manifest.h"
#include "checkpoint/short_named_file.h"

namespace r1 {
namespace hdf5 {

std::string take_error_text() {
    std::string text;
    const auto add = [](unsigned, const H5E_error2_t* error, void* target) -> herr_t {
        auto& to = *static_cast<std::string*>(target);
        if (!to.empty()) to += "; ";
        to.append(error->func_name).append(": ").append(error->desc);
        return 0;
    };
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, add, &text);
    H5Eclear2(H5E_DEFAULT);
    return text;
}

}  // namespace hdf5

namespace {

constexpr hsize_t kAlignment = 4096;  // of every dataset that is at least so large

hid_t file_type(TensorType type) {
    switch (type) {
        case TensorType::kFloat32:
            return H5T_IEEE_F32LE;
        case TensorType::kFloat64:
            return H5T_IEEE_F64LE;
        case TensorType::kInt32:
            return H5T_STD_I32LE;
        case TensorType::kInt64:
            return H5T_STD_I64LE;
        case TensorType::kUint8:
            break;
    }
    return H5T_STD_U8LE;
}

hdf5::PropertyList make_list(hid_t kind) {
    return hdf5::PropertyList(hdf5::check(H5Pcreate(kind), "H5Pcreate"));
}

hdf5::DataSpace make_space(const std::vector<std::int64_t>& shape) {
    if (shape.empty()) return hdf5::DataSpace(hdf5::check(H5Screate(H5S_SCALAR), "H5Screate"));
    const std::vector<hsize_t> sides(shape.begin(), shape.end());
    return hdf5::DataSpace(
        hdf5::check(H5Screate_simple(static_cast<int>(sides.size()), sides.data(), nullptr),
                    "H5Screate_simple"));
}

std::uint64_t estimate_structure(const std::vector<TensorView>& tensors) {
    constexpr std::uint64_t kFixed = std::uint64_t{64} << 10;
    constexpr std::uint64_t kPerTensor = 4096;  // header, link, groups
    std::uint64_t bytes = kFixed;
    for (const TensorView& tensor : tensors) bytes += kPerTensor + 8 * tensor.name.size();
    return bytes;
}

hdf5::File create_file(const std::string& path) {
    const hdf5::PropertyList access = make_list(H5P_FILE_ACCESS);
    // This format's structure is checksummed, and a file that was not closed does not open.
    hdf5::check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110),
                "H5Pset_libver_bounds");
    hdf5::check(H5Pset_alignment(access.get(), kAlignment, kAlignment), "H5Pset_alignment");
    hdf5::check(H5Pset_file_locking(access.get(), false, true), "H5Pset_file_locking");
    return hdf5::File(hdf5::check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()),
                                  "H5Fcreate"));
}

// HDF5 1.10 loses data in silence, or crashes at exit, when it meets a full disk; and it need not
// meet a shared file system at all. So it gets a file with room for the structure, in memory.
hdf5::File open_nameless(const std::filesystem::path& folder, std::uint64_t room,
                         FileDescriptor& fd) {
    ShortNamedFile named(folder, room);
    hdf5::File file = create_file(named.path());
    fd = named.release();
    return file;
}

void write_number(const hdf5::File& file, const char* name, std::int64_t value) {
    const hdf5::DataSpace scalar = make_space({});
    const hdf5::Attribute attribute(hdf5::check(
        H5Acreate2(file.get(), name, H5T_STD_I64LE, scalar.get(), H5P_DEFAULT, H5P_DEFAULT),
        "H5Acreate2"));
    hdf5::check(H5Awrite(attribute.get(), H5T_NATIVE_INT64, &value), "H5Awrite");
}

void write_text(const hdf5::File& file, const char* name, const std::string& value) {
    const hdf5::DataType type(hdf5::check(H5Tcopy(H5T_C_S1), "H5Tcopy"));
    hdf5::check(H5Tset_size(type.get(), value.size() + 1), "H5Tset_size");
    hdf5::check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "H5Tset_cset");
    const hdf5::DataSpace scalar = make_space({});
    const hdf5::Attribute attribute(hdf5::check(
        H5Acreate2(file.get(), name, type.get(), scalar.get(), H5P_DEFAULT, H5P_DEFAULT),
        "H5Acreate2"));
    hdf5::check(H5Awrite(attribute.get(), type.get(), value.c_str()), "H5Awrite");
}

// Returns where the tensor's bytes belong.
std::uint64_t create_dataset(const hdf5::File& file, const TensorView& tensor,
                             const hdf5::PropertyList& link, const hdf5::PropertyList& create) {
    const hdf5::DataSpace space = make_space(tensor.shape);
    const hdf5::DataSet dataset(
        hdf5::check(H5Dcreate2(file.get(), tensor.name.c_str(), file_type(tensor.type), space.get(),
                               link.get(), create.get(), H5P_DEFAULT),
                    ("H5Dcreate2 of '" + tensor.name + "'").c_str()));
    if (tensor.bytes() == 0) return 0;
    const haddr_t offset = H5Dget_offset(dataset.get());
    if (offset == HADDR_UNDEF)
        throw_library_error("HDF5", "H5Dget_offset of '" + tensor.name + "'",
                            hdf5::take_error_text());
    return offset;
}

}  // namespace

Skeleton make_hdf5_skeleton(const std::filesystem::path& folder, const std::string& run_id,
                            std::int64_t step, const std::vector<TensorView>& tensors) {
    hdf5::check(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), "H5Eset_auto2");
    Skeleton skeleton;
    hdf5::File file = open_nameless(folder, estimate_structure(tensors), skeleton.fd);
    write_number(file, "format_major", kFormatMajor);
    write_number(file, "format_minor", kFormatMinor);
    write_number(file, "step", step);
    write_text(file, "run_id", run_id);

    const hdf5::PropertyList link = make_list(H5P_LINK_CREATE);
    hdf5::check(H5Pset_create_intermediate_group(link.get(), 1),
                "H5Pset_create_intermediate_group");
    hdf5::check(H5Pset_char_encoding(link.get(), H5T_CSET_UTF8), "H5Pset_char_encoding");
    const hdf5::PropertyList create = make_list(H5P_DATASET_CREATE);
    hdf5::check(H5Pset_layout(create.get(), H5D_CONTIGUOUS), "H5Pset_layout");
    hdf5::check(H5Pset_alloc_time(create.get(), H5D_ALLOC_TIME_EARLY), "H5Pset_alloc_time");
    hdf5::check(H5Pset_fill_time(create.get(), H5D_FILL_TIME_NEVER), "H5Pset_fill_time");
    for (const TensorView& tensor : tensors)
        skeleton.offsets.push_back(create_dataset(file, tensor, link, create));
    hdf5::close_checked(std::move(file));

    struct stat status {};
    if (::fstat(skeleton.fd.get(), &status) != 0)
        throw_system_error("stat", "the skeleton of a checkpoint");
    skeleton.bytes = static_cast<std::uint64_t>(status.st_size);
    return skeleton;
}

std::uint64_t estimate_skeleton(const std::vector<TensorView>& tensors) {
    std::uint64_t bytes = estimate_structure(tensors);
    for (const TensorView& tensor : tensors) bytes += tensor.bytes() + kAlignment;
    return bytes;
}

}  // namespace r1
