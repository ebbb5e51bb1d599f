// SPDX-License-Identifier: Apache-2.0
// Runs under mpirun. What only a real GPU can show.
#include <gtest/gtest.h>

#include "common/gpu_inventory.h"
#include "tests/mpi_runtime/comm/tensor_rig.h"
#include "tests/mpi_runtime/ranks_main.h"

namespace r1 {
namespace {

using test::DeviceValues;
using test::world;

struct GpuTensorGroup : testing::Test {
    void SetUp() override {
        const std::string why_not = test::why_rigs_cannot_run();
        if (!why_not.empty()) GTEST_SKIP() << why_not;
    }
};

TEST_F(GpuTensorGroup, OneRankIsOnNcclAndRanksThatShareAGpuAreNot) {
    const auto rig = test::make_rig("gpu", *world, {});
    const bool shared = static_cast<std::size_t>(world->size()) > list_gpus().size();
    EXPECT_STREQ(rig->group().name(), shared ? "mpi through the host" : "nccl");
    const ChosenTensorGroup chosen =
        make_tensor_group(*world, {rig->device(), [](float*, const float*, std::size_t) {}}, {});
    EXPECT_EQ(chosen.why.find("ranks 0 and 1 share GPU GPU-") == 0, shared) << chosen.why;
}

/// Collectives between other work, recorded once and replayed.
TEST_F(GpuTensorGroup, ReplayedWorkHoldsItsCollectives) {
    const auto rig = test::make_rig("gpu", *world, {});
    if (std::string(rig->group().name()) != "nccl") GTEST_SKIP() << "the host is in between";
    constexpr std::size_t kCount = 5000;
    const std::vector<ValueRange> owners{{0, kCount}};
    std::vector<ValueRange> all(static_cast<std::size_t>(world->size()), {kCount, kCount});
    all[0] = owners[0];
    DeviceValues<float> own(*rig, std::vector<float>(kCount, 1));
    DeviceValues<float> sum(*rig, std::vector<float>(kCount));
    DeviceValues<float> gathered(*rig, std::vector<float>(kCount));
    for (int turn = 1; turn <= 4; ++turn) {
        own.load(std::vector<float>(kCount, static_cast<float>(turn)));
        rig->device().replay(1, [&] {
            rig->device().copy(sum.data(), own.data(), kCount * sizeof(float));
            rig->group().all_reduce(sum.data(), kCount, ValueType::kFloat32);
            rig->group().finish(rig->group().begin_gather(gathered.data(), ValueType::kFloat32,
                                                          {0, kCount}, all, sum.data()));
        });
        EXPECT_EQ(gathered.host(),
                  std::vector<float>(kCount, static_cast<float>(turn * world->size())));
    }
    rig->device().forget_replays();
}

}  // namespace
}  // namespace r1
