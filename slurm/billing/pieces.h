// SPDX-License-Identifier: Apache-2.0
// What the time of an attempt went into. Folder-private.
#pragma once

#include <cstdint>
#include <vector>

#include "slurm/billing/charge.h"
#include "slurm/billing/run_records.h"

namespace r1 {

/// Pieces that follow each other from `start_ms` to `end_ms`, and leave nothing out. Overhead until
/// the first step begins; then useful work by stages up to the kept point, and lost work after it.
/// An attempt whose ranks ended in good order has kept all; what follows their end is overhead. All
/// that a running one has done is called useful: it may still be kept.
std::vector<Piece> pieces_of(const RunRecords& records, const AttemptFacts& attempt,
                             std::int64_t start_ms, std::int64_t end_ms, bool running);

}  // namespace r1
