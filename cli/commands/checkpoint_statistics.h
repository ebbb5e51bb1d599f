// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "checkpoint/checkpoint.h"

namespace r1::cli {

/// What the values of a tensor of a float type are like. The first four are of its finite values,
/// and 0 when it has none.
struct TensorStatistics {
    double min = 0;
    double max = 0;
    double mean = 0;
    double rms = 0;
    std::uint64_t values = 0;
    std::uint64_t zeros = 0;
    std::uint64_t not_finite = 0;
};

/// Reads the tensor part by part. Throws Error (kCheckpoint) naming a damaged block.
TensorStatistics statistics_of(const std::filesystem::path& checkpoint, const Manifest& manifest,
                               const TensorEntry& tensor);

}  // namespace r1::cli
