// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <vector>

#include "checkpoint/attempt.h"

namespace r1::cli {

/// The ranks of the newest attempt that still live on this host. They can outlive a killed launcher
/// for as long as their last save takes.
std::vector<RankPlace> living_ranks(const RunDirectory& run);

/// Waits until they are gone, so that a run never has two writers. Says on `err` that it waits.
/// Throws Error (kRunFailed) when they are still there after `seconds`.
void wait_for_living_ranks(const RunDirectory& run, double seconds, std::ostream& err);

}  // namespace r1::cli
