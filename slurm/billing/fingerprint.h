// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "checkpoint/run_directory.h"

namespace r1 {

/// Sizes and times of the records that a run's charges are made from: equal as long as none of them
/// was written. It reads no file and lists no folder. Attempts before the newest are not looked at:
/// their records are written before the next one ends.
struct Fingerprint {
    int newest_attempt = 0;
    std::string text;
    std::int64_t newest_ms = 0;  ///< when the last of them was written, by the file system's clock
};

/// `newest_attempt` as RunDirectory says, or as it was: another attempt changes the text as well.
Fingerprint fingerprint_of(const RunDirectory& run, int newest_attempt);

}  // namespace r1
