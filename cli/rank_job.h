// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/run_directory.h"
#include "common/json.h"

namespace r1::cli {

/// A question to the ranks that leaves the run as it is: eval, sample.
struct RankJob {
    std::vector<std::string> arguments;  ///< without --output, which is added
    std::int64_t ranks = 1;
    std::int64_t threads_per_rank = 1;
};

/// Starts the rank program, waits, and returns what it wrote. Throws Error with the end of its log
/// when it fails or is interrupted; no rank and no file is left either way.
Json run_rank_job(const RankJob& job);

}  // namespace r1::cli
