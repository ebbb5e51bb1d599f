// SPDX-License-Identifier: Apache-2.0
// A communicator of the emulated NCCL.
#pragma once

#include <nccl.h>

#include <vector>

#include "mpi_runtime/comm/mpi_check.h"

struct ncclComm {
    MPI_Comm mpi = MPI_COMM_NULL;
    int rank = 0;
    int size = 1;
    int calls = 0;       ///< so far: the same number on every rank is the same call
    int under_way = 0;   ///< groups of calls that are asked and not done
    int looks_left = 0;  ///< ncclInProgress is answered so many times more
    bool aborted = false;

    bool in_progress() const { return looks_left > 0; }
    /// As a call of a communicator that does not block answers.
    ncclResult_t begin_call() {
        looks_left = 2;
        return ncclInProgress;
    }
};

namespace r1::test {

/// Ends all of them at once, and waits until the device has done everything.
void abort_communicators(const std::vector<ncclComm_t>& communicators);

}  // namespace r1::test
