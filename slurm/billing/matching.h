// SPDX-License-Identifier: Apache-2.0
// Which start in Slurm's accounting is which attempt of a run. Folder-private.
#pragma once

#include <cstdint>
#include <vector>

#include "slurm/billing/run_records.h"

namespace r1 {

struct Matched {
    /// The start of each attempt of the records, in their order; null where there is none.
    std::vector<const PastJob*> of_attempt;
    /// Starts that came to no attempt: killed before the prologue, or with nothing left to do.
    std::vector<const PastJob*> others;
};

/// By job, cluster, name and the time of the start: equal to the attempt's, else the nearest one,
/// each start once. Starts of jobs that never had nodes are left out: they cost nothing. Points
/// into the records.
Matched match_starts(const RunRecords& records);

/// Whether a record of the accounting is one of the run's jobs: ids are used again after a reset.
bool is_of(const PastJob& start, const RunRecords& records);

}  // namespace r1
