// SPDX-License-Identifier: Apache-2.0
// How two checkpoints differ.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace r1::cli {

/// A checkpoint with its manifest. Borrowed.
struct Side {
    const std::filesystem::path& path;
    const Manifest& manifest;
};

/// How the values of two tensors of one type and shape differ.
struct ValueDifference {
    std::uint64_t values = 0;         ///< that the tensors have
    std::uint64_t different = 0;      ///< that have other bits
    std::uint64_t not_finite = 0;     ///< of the different: one of the two is no finite number
    double largest_absolute = 0;      ///< over the different where both are finite
    double largest_relative = 0;      ///< |a - b| / max(|a|, |b|), over the same
    std::vector<std::int64_t> first;  ///< place of the first different one: an index a side
    std::uint64_t bytes_read = 0;     ///< of each; blocks of equal hash are not read
};

/// Both must have the same type and shape. Throws Error (kCheckpoint) naming a damaged block.
ValueDifference compare_values(const Side& a, const TensorEntry& tensor_a, const Side& b,
                               const TensorEntry& tensor_b);

/// A key of the trainer's counters whose value differs, as JSON text; empty where there is none.
struct StateDifference {
    std::string key;  ///< "/cursor/epoch"; empty: states that are no JSON objects
    std::string a;
    std::string b;
};
std::vector<StateDifference> compare_states(const std::string& a, const std::string& b);

}  // namespace r1::cli
