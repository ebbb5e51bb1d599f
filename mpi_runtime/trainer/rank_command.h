// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mpi_runtime/comm/communicator.h"

namespace r1 {

/// The rank program: `train`, `eval` or `sample`, by its arguments. Returns the exit code of a good
/// end; an error is recorded for the launcher and ends every rank.
int run_rank(int argc, const char* const* argv);

}  // namespace r1
