// SPDX-License-Identifier: Apache-2.0
// What is still to be learned about a run. Folder-private.
#pragma once

#include <cstdint>

#include "slurm/billing/run_records.h"

namespace r1 {

/// Whether it may run, now or later, by itself.
bool may_run(const RunRecords& records, std::int64_t now_ms);

/// Whether the accounting has to tell something still, and it is time to ask it.
bool needs_asking(const RunRecords& records, std::int64_t now_ms);

/// As is_open() of a run.
bool is_open(const RunRecords& records, std::int64_t now_ms);

}  // namespace r1
