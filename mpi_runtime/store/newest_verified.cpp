// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/store/newest_verified.h"

#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "common/error.h"
#include "common/log.h"
#include "mpi_runtime/comm/progress.h"

namespace r1 {
namespace {

/// What is wrong with this rank's part; "" when nothing is.
std::string problem_of_part(const Communicator& comm, const std::filesystem::path& checkpoint,
                            std::int64_t step) {
    try {
        const Manifest manifest = read_manifest(checkpoint);
        if (manifest.step != step) return "its manifest is that of another step";
        VerifyOptions options;
        options.part = comm.rank();
        options.parts = comm.size();
        options.read_so_far = [](std::uint64_t) { beat(); };
        const std::vector<Damage> damage = find_damage(checkpoint, manifest, options);
        return damage.empty() ? std::string() : damage.front().text;
    } catch (const Error& error) {
        return error.what();
    }
}

}  // namespace

std::optional<std::int64_t> newest_verified(Communicator& comm,
                                            const std::filesystem::path& checkpoints) {
    const Activity verifying("verifying the checkpoints");
    std::vector<std::int64_t> steps;
    if (comm.rank() == 0) steps = list_checkpoints(checkpoints);
    while (true) {
        std::int64_t step = steps.empty() ? -1 : steps.back();
        comm.broadcast(&step, sizeof step, 0);
        if (step < 0) return std::nullopt;
        if (!steps.empty()) steps.pop_back();
        const std::string own = problem_of_part(comm, checkpoints / checkpoint_name(step), step);
        std::string problem;
        for (const std::string& one : comm.all_gather(own))
            if (problem.empty()) problem = one;
        if (problem.empty()) return step;
        if (comm.rank() == 0)
            log_warning("checkpoint " + checkpoint_name(step) + " is not used: " + problem);
    }
}

}  // namespace r1
