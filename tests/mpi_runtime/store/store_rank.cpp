// SPDX-License-Identifier: Apache-2.0
// One rank of a job that saves a checkpoint, or reads those of other jobs:
//   store_rank FOLDER save STEP, store_rank FOLDER load STEP…
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "mpi_runtime/store/collective_writer.h"
#include "mpi_runtime/store/newest_verified.h"
#include "tests/mpi_runtime/store/numbered_model.h"

namespace {

using namespace r1;

int save(Communicator& world, const std::filesystem::path& folder, std::int64_t step) {
    CollectiveWriter writer(world, {folder, "run", step % 2 == 1, 0});
    test::NumberedShard shard(world.rank(), world.size());
    shard.set_step(step);
    SaveRequest request;
    request.step = step;
    request.state = "{}";
    request.volumes.push_back(shard.volume());
    if (writer.save(std::move(request))) return 1;
    const auto ending = writer.advance(true);
    return ending && ending->committed ? 0 : 1;
}

int load(Communicator& world, const std::filesystem::path& folder, std::int64_t step) {
    auto wrong = static_cast<std::int64_t>(
        test::count_wrong(folder / checkpoint_name(step), step, world.rank(), world.size()));
    world.all_reduce(&wrong, 1, ReduceOp::kSum);
    if (world.rank() == 0 && wrong == 0) std::printf("equal %lld\n", static_cast<long long>(step));
    return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    const auto world = make_world_communicator();
    int failed = 0;
    for (int i = 3; i < argc; ++i)
        failed |= std::strcmp(argv[2], "save") == 0 ? save(*world, argv[1], std::atoll(argv[i]))
                                                    : load(*world, argv[1], std::atoll(argv[i]));
    return failed;
}
