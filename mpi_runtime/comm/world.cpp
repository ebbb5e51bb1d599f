// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "common/error.h"
#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/comm/launched.h"

namespace r1 {

namespace {

bool is_set(const char* name) {
    return std::getenv(name) != nullptr;
}

[[noreturn]] void throw_not_connected(int launched) {
    throw Error(ExitCode::kLibrary,
                "MPI: the launcher started " + std::to_string(launched) +
                    " processes, but MPI does not connect them: all would believe to be rank 0. "
                    "Start them with 'srun --mpi=pmix' or with this MPI's own mpirun; "
                    "'srun --mpi=list' shows what Slurm has");
}

}  // namespace

std::unique_ptr<Communicator> make_world_communicator() {
    const int launched = launched_ranks();
    if (!is_set("OMPI_COMM_WORLD_SIZE") && !is_set("PMIX_RANK") && !is_set("PMI_SIZE")) {
        if (launched > 1) throw_not_connected(launched);
        return make_self_communicator();
    }
    std::unique_ptr<Communicator> world = make_mpi_communicator();
    if (launched > 1 && world->size() == 1) throw_not_connected(launched);
    return world;
}

}  // namespace r1
