// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <ostream>
#include <vector>

#include "checkpoint/run_directory.h"

namespace r1::cli {

/// The processes on this host that train the run: mpirun and the ranks, those too that have not
/// recorded themselves yet. They can outlive a killed launcher until their last save is done.
std::vector<pid_t> living_ranks(const RunDirectory& run);

/// Waits until they are gone, so that a run never has two writers. Says on `err` that it waits.
/// Throws Error (kRunFailed) when they are still there after `seconds`.
void wait_for_living_ranks(const RunDirectory& run, double seconds, std::ostream& err);

}  // namespace r1::cli
