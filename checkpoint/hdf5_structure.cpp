// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/hdf5_structure.h"

#include <sys/stat.h>

#include <utility>

#include "checkpoint/manifest.h"
#include "checkpoint/page_buffer.h"
#include "checkpoint/short_named_file.h"

namespace r1::hdf5 {
namespace {

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
        case TensorType::kBfloat16:
            return H5T_STD_U16LE;
        case TensorType::kUint8:
            break;
    }
    return H5T_STD_U8LE;
}

/// Of the structure alone; rather too much than too little.
std::uint64_t estimate(const std::vector<TensorInfo>& tensors, std::size_t counted) {
    constexpr std::uint64_t kFixed = std::uint64_t{16} << 10;
    constexpr std::uint64_t kPerDataset = 1536;  // header, attributes, link, groups
    std::uint64_t bytes = kFixed + kPerDataset * counted;
    for (std::size_t i = 0; i < counted; ++i) bytes += 4 * tensors[i].name.size();
    return round_up_to_page(bytes);
}

File create_file(const std::string& path, std::uint64_t structure) {
    const PropertyList access = make_list(H5P_FILE_ACCESS);
    // This format's structure is checksummed, and a file that was not closed does not open.
    check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110),
          "H5Pset_libver_bounds");
    // Datasets of a page and more begin at one, for direct I/O; the structure lies together.
    check(H5Pset_alignment(access.get(), kPageBytes, kPageBytes), "H5Pset_alignment");
    check(H5Pset_meta_block_size(access.get(), structure), "H5Pset_meta_block_size");
    check(H5Pset_file_locking(access.get(), false, true), "H5Pset_file_locking");
    return File(
        check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), "H5Fcreate"));
}

// HDF5 1.10 loses data in silence, or crashes at exit, when it meets a full disk; and it need not
// meet a shared file system at all. So it gets a file with room for the structure, in memory.
File open_nameless(const std::filesystem::path& folder, std::uint64_t structure,
                   FileDescriptor& fd) {
    ShortNamedFile named(folder, 2 * structure);
    File file = create_file(named.path(), structure);
    fd = named.release();
    return file;
}

Attribute make_attribute(hid_t object, const char* name, hid_t type, const DataSpace& space) {
    return Attribute(
        check(H5Acreate2(object, name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT), "H5Acreate2"));
}

}  // namespace

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

PropertyList make_list(hid_t kind) {
    return PropertyList(check(H5Pcreate(kind), "H5Pcreate"));
}

DataSpace make_space(const std::vector<std::int64_t>& shape) {
    if (shape.empty()) return DataSpace(check(H5Screate(H5S_SCALAR), "H5Screate"));
    const std::vector<hsize_t> sides(shape.begin(), shape.end());
    return DataSpace(check(H5Screate_simple(static_cast<int>(sides.size()), sides.data(), nullptr),
                           "H5Screate_simple"));
}

void write_number(hid_t object, const char* name, std::int64_t value) {
    const Attribute attribute = make_attribute(object, name, H5T_STD_I64LE, make_space({}));
    check(H5Awrite(attribute.get(), H5T_NATIVE_INT64, &value), "H5Awrite");
}

void write_numbers(hid_t object, const char* name, const std::vector<std::int64_t>& values) {
    const Attribute attribute = make_attribute(
        object, name, H5T_STD_I64LE, make_space({static_cast<std::int64_t>(values.size())}));
    check(H5Awrite(attribute.get(), H5T_NATIVE_INT64, values.data()), "H5Awrite");
}

void write_text(hid_t object, const char* name, const std::string& value) {
    const DataType type(check(H5Tcopy(H5T_C_S1), "H5Tcopy"));
    check(H5Tset_size(type.get(), value.size() + 1), "H5Tset_size");
    check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "H5Tset_cset");
    const Attribute attribute = make_attribute(object, name, type.get(), make_space({}));
    check(H5Awrite(attribute.get(), type.get(), value.c_str()), "H5Awrite");
}

StructureFile::StructureFile(const std::filesystem::path& folder, const SkeletonHead& head,
                             const std::vector<TensorInfo>& tensors, std::size_t counted) {
    check(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), "H5Eset_auto2");
    file_ = open_nameless(folder, estimate(tensors, counted), made_.fd);
    write_number(file_.get(), "format_major", kFormatMajor);
    write_number(file_.get(), "format_minor", kFormatMinor);
    write_number(file_.get(), "step", head.step);
    write_text(file_.get(), "run_id", head.run_id);
    write_number(file_.get(), "file", static_cast<std::int64_t>(head.file));
    write_number(file_.get(), "files", static_cast<std::int64_t>(head.files));
    link_ = make_list(H5P_LINK_CREATE);
    check(H5Pset_create_intermediate_group(link_.get(), 1), "H5Pset_create_intermediate_group");
    check(H5Pset_char_encoding(link_.get(), H5T_CSET_UTF8), "H5Pset_char_encoding");
}

DataSet StructureFile::add(const TensorInfo& tensor, const std::vector<std::int64_t>& shape,
                           const PropertyList& create) {
    const DataSpace space = make_space(shape);
    DataSet dataset(check(H5Dcreate2(file_.get(), tensor.name.c_str(), file_type(tensor.type),
                                     space.get(), link_.get(), create.get(), H5P_DEFAULT),
                          ("H5Dcreate2 of '" + tensor.name + "'").c_str()));
    // HDF5 1.10 has no such type: these are its bits.
    if (tensor.type == TensorType::kBfloat16) write_text(dataset.get(), "dtype", "bf16");
    return dataset;
}

void StructureFile::add_link(const std::string& file, const std::string& tensor) {
    check(H5Lcreate_external(file.c_str(), tensor.c_str(), file_.get(), tensor.c_str(), link_.get(),
                             H5P_DEFAULT),
          "H5Lcreate_external");
}

Skeleton StructureFile::finish() && {
    close_checked(std::move(file_));
    struct stat status {};
    if (::fstat(made_.fd.get(), &status) != 0)
        throw_system_error("stat", "the skeleton of a checkpoint");
    made_.bytes = static_cast<std::uint64_t>(status.st_size);
    return std::move(made_);
}

}  // namespace r1::hdf5
