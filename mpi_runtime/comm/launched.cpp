// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/launched.h"

#include <cstdlib>
#include <initializer_list>

namespace r1 {

namespace {

int first_number(std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (const char* value = std::getenv(name))
            return static_cast<int>(std::strtol(value, nullptr, 10));
    return 0;
}

}  // namespace

int launched_rank() {
    return first_number({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"});
}

int launched_ranks() {
    return first_number({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"});
}

int local_rank() {
    return first_number({"OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"});
}

bool started_by_slurm() {
    return std::getenv("SLURM_PROCID") != nullptr && std::getenv("OMPI_COMM_WORLD_RANK") == nullptr;
}

}  // namespace r1
