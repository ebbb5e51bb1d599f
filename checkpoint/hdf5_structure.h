// SPDX-License-Identifier: Apache-2.0
// Building the structure of an HDF5 file, in memory. Only the sources of r1_checkpoint_hdf5 include
// this.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/hdf5_handle.h"
#include "checkpoint/hdf5_skeleton.h"

namespace r1::hdf5 {

PropertyList make_list(hid_t kind);
DataSpace make_space(const std::vector<std::int64_t>& shape);
void write_number(hid_t object, const char* name, std::int64_t value);
void write_numbers(hid_t object, const char* name, const std::vector<std::int64_t>& values);
void write_text(hid_t object, const char* name, const std::string& value);

/// A file with a root that says what it is, and datasets by the names of tensors.
class StructureFile {
  public:
    /// The structure of the first `counted` tensors gets a place of its own at the front, so that
    /// those that are not counted do not move what is.
    StructureFile(const std::filesystem::path& folder, const SkeletonHead& head,
                  const std::vector<TensorInfo>& tensors, std::size_t counted);

    DataSet add(const TensorInfo& tensor, const std::vector<std::int64_t>& shape,
                const PropertyList& create);
    /// The tensor of the same name in a file beside this one.
    void add_link(const std::string& file, const std::string& tensor);
    /// Closes it. The skeleton's datasets are the caller's to name.
    Skeleton finish() &&;

  private:
    Skeleton made_;
    File file_;
    PropertyList link_;
};

}  // namespace r1::hdf5
