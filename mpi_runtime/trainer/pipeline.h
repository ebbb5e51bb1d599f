// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/attempt.h"
#include "mpi_runtime/trainer/session.h"

namespace r1 {

/// Runs the recipe's stages in order, from the newest checkpoint that verifies or from the start,
/// until all of this attempt's are done or a stop is agreed on. Writes metrics, evaluations and
/// checkpoints. Collective. Throws Error; the caller then aborts every rank.
OutcomeRecord run_pipeline(Session& session, int attempt);

}  // namespace r1
