// SPDX-License-Identifier: Apache-2.0
// The main of a test program that runs under mpirun.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "mpi_runtime/comm/communicator.h"

namespace r1::test {

/// All ranks of the program, while its tests run.
inline Communicator* world = nullptr;

inline int run_on_ranks(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    const std::unique_ptr<Communicator> communicator = make_mpi_communicator();
    world = communicator.get();
    const int failed = RUN_ALL_TESTS();
    // A rank that failed must not leave the others waiting in a call that it will not make.
    if (failed != 0) communicator->abort(failed);
    return 0;
}

}  // namespace r1::test
