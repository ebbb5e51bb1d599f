// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "slurm/billing/charge.h"

namespace r1 {

/// Bills go by GPUs, and by cores where there are none.
inline std::int64_t devices_of(const Allocation& allocated) {
    return allocated.gpus > 0 ? allocated.gpus : allocated.cores;
}

/// What falls on [from, to) of an amount that is spread over [0, whole). Shares of parts that
/// follow each other add up to that of all of them, exactly, however many there are.
inline std::int64_t share_of(std::int64_t amount, std::int64_t from, std::int64_t to,
                             std::int64_t whole) {
    __extension__ using Wide = __int128;
    if (whole <= 0) return 0;
    return static_cast<std::int64_t>(Wide{amount} * to / whole - Wide{amount} * from / whole);
}

}  // namespace r1
