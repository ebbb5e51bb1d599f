// SPDX-License-Identifier: Apache-2.0
// One rank of a job that ends in the way its argument says.
#include <cstdio>
#include <stdexcept>
#include <string_view>

#include "common/error.h"
#include "mpi_runtime/comm/communicator.h"

namespace {

void run(std::string_view ending) {
    const auto world = r1::make_world_communicator();
    if (world->rank() == 0) std::printf("%s of %d", world->name(), world->size());
    world->barrier();
    if (ending == "abort") {
        std::printf(" rank %d was here", world->rank());
        if (world->rank() == world->size() - 1) world->abort(5);
        world->barrier();
        world->barrier();
    }
    if (ending == "throw") {
        if (world->rank() == world->size() - 1) throw std::runtime_error("one rank fails");
        world->barrier();
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(argc > 1 ? argv[1] : "");
        return 0;
    } catch (const r1::Error& error) {
        std::printf("%s", error.what());
        return static_cast<int>(error.code());
    } catch (const std::exception&) {
        return 3;
    }
}
