// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/run.h"

int main(int argc, char** argv) {
    return r1::cli::run(argc, argv, std::cout, std::cerr);
}
