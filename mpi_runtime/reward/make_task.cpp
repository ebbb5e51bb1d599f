// SPDX-License-Identifier: Apache-2.0
#include "common/error.h"
#include "mpi_runtime/reward/procedural_task.h"

namespace r1 {

std::unique_ptr<Task> make_task(const TaskSection& section, std::uint64_t seed) {
    switch (section.kind) {
        case TaskKind::kAddition:
            return make_addition_task(section, seed);
        case TaskKind::kCountdown:
            return make_countdown_task(section, seed);
        case TaskKind::kSort:
            return make_sort_task(section, seed);
        case TaskKind::kReverse:
            return make_reverse_task(section, seed);
        case TaskKind::kFile:
            break;
    }
    throw Error(ExitCode::kUsage, "task.kind is not a task");
}

}  // namespace r1
