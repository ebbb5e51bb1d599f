// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mpi_runtime/trainer/session.h"

namespace r1 {

/// One attempt of a run, from ranks.json to outcome.json. Collective. Throws Error; the caller then
/// ends every rank.
void train(Session& session, int attempt);

}  // namespace r1
