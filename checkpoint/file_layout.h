// SPDX-License-Identifier: Apache-2.0
// Which part of which tensor lies in which file of a checkpoint. Pure: every process computes the
// same answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/tensor.h"

namespace r1 {

/// The files of a checkpoint are w00000-of-00002.h5, …
inline constexpr const char* kFilePrefix = "w";
/// The one that holds no tensor, but all of them by reference.
inline constexpr const char* kIndexFileName = "index.h5";

/// Bytes [begin, begin + bytes) of a tensor, row-major.
struct TensorRange {
    std::size_t tensor = 0;  ///< an index
    std::uint64_t begin = 0;
    std::uint64_t bytes = 0;
};

/// A tensor, or whole rows of one, as a file holds it.
struct FileDataset {
    TensorRange range;
    std::int64_t first_row = 0;       ///< of the tensor, along its first dimension
    std::vector<std::int64_t> shape;  ///< of these rows
};

struct FileLayout {
    std::string name;
    std::vector<FileDataset> datasets;  ///< by tensor
};

/// "<prefix>00002-of-00008.h5".
std::string checkpoint_file_name(const std::string& prefix, std::size_t file, std::size_t files);

/// One layout a file. `ranges[p]` is what process p holds, by tensor and begin; together the
/// processes hold every byte once. `file_of[p]` is the file that it writes to: from 0, without
/// gaps, never less than that of the process before. Throws Error (kCheckpoint) when the processes
/// of a file do not hold whole rows together, one after the other.
std::vector<FileLayout> lay_out_files(const std::vector<TensorInfo>& tensors,
                                      const std::vector<std::vector<TensorRange>>& ranges,
                                      const std::vector<std::size_t>& file_of,
                                      const std::string& prefix);

/// Which of a file's datasets holds the range. Throws Error (kCheckpoint) when none does.
std::size_t dataset_of(const FileLayout& file, const TensorRange& range);

}  // namespace r1
