// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "common/error.h"
#include "mpi_runtime/comm/communicator.h"

namespace r1 {

namespace {

bool is_set(const char* name) {
    return std::getenv(name) != nullptr;
}

/// Processes that the launcher says it started, the innermost launcher first; 0 when none says.
long launched_processes() {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
        if (const char* value = std::getenv(name)) return std::strtol(value, nullptr, 10);
    }
    return 0;
}

[[noreturn]] void throw_not_connected(long launched) {
    throw Error(ExitCode::kLibrary,
                "MPI: the launcher started " + std::to_string(launched) +
                    " processes, but MPI does not connect them: all would believe to be rank 0. "
                    "Start them with 'srun --mpi=pmix' or with this MPI's own mpirun; "
                    "'srun --mpi=list' shows what Slurm has");
}

}  // namespace

std::unique_ptr<Communicator> make_world_communicator() {
    const long launched = launched_processes();
    if (!is_set("OMPI_COMM_WORLD_SIZE") && !is_set("PMIX_RANK") && !is_set("PMI_SIZE")) {
        if (launched > 1) throw_not_connected(launched);
        return make_self_communicator();
    }
    std::unique_ptr<Communicator> world = make_mpi_communicator();
    if (launched > 1 && world->size() == 1) throw_not_connected(launched);
    return world;
}

}  // namespace r1
