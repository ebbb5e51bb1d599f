// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <iostream>

#include "mpi_runtime/trainer/rank_command.h"

int main(int argc, char** argv) {
    try {
        return r1::run_rank(argc, argv);
    } catch (const std::exception& error) {
        // Only reached before there is a communicator to abort.
        std::cerr << "r1ctl-rank: " << error.what() << '\n';
        return 4;
    }
}
