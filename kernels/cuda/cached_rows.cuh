// SPDX-License-Identifier: Apache-2.0
// Where the tokens of a cached row lie, and how its positions are cut into runs.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/backend.h"

namespace r1::cuda {

/// A row whose position its table does not hold, a negative one above all, is idle: batches are
/// filled up with such rows, and a sequence that has ended may step past its pages until the host
/// learns of it.
__device__ __forceinline__ bool is_idle(const CachedRows& rows, std::int32_t page_tokens,
                                        std::int32_t position) {
    return position < 0 || position >= std::int64_t{rows.table_stride} * page_tokens;
}

/// The number of the cache's row that holds token `position` of row `row`'s sequence.
__device__ __forceinline__ std::int64_t cache_row(const CachedRows& rows, std::int32_t page_tokens,
                                                  std::int64_t row, std::int32_t position) {
    const std::int64_t page = rows.tables[row * rows.table_stride + position / page_tokens];
    return page * page_tokens + position % page_tokens;
}

// A row's positions fall into runs, by the position alone, so that a row's bits do not depend on
// how many blocks share it. Short runs at first, for many blocks where sequences are short or few;
// long ones later, since each leaves a partial result to be read again.
inline constexpr std::int32_t kShortRun = 128;
inline constexpr std::int32_t kShortRuns = 32;
inline constexpr std::int32_t kLongRun = 512;
inline constexpr std::int32_t kShortEnd = kShortRuns * kShortRun;

/// The runs of the first `count` positions.
__host__ __device__ inline std::int32_t runs_of(std::int32_t count) {
    if (count <= kShortEnd) return (count + kShortRun - 1) / kShortRun;
    return kShortRuns + (count - kShortEnd + kLongRun - 1) / kLongRun;
}
__host__ __device__ inline std::int32_t run_begin(std::int32_t run) {
    return run <= kShortRuns ? run * kShortRun : kShortEnd + (run - kShortRuns) * kLongRun;
}

}  // namespace r1::cuda
