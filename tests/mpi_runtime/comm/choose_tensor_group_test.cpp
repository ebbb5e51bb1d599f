// SPDX-License-Identifier: Apache-2.0
// Runs under mpirun, on machines of any kind.
#include <gtest/gtest.h>

#include "common/host.h"
#include "tests/emulated_gpu/nccl/deferred_device.h"
#include "tests/mpi_runtime/ranks_main.h"

namespace r1 {
namespace {

using test::world;

TEST(MakeTensorGroup, HostMemoryGoesOverTheCommunicator) {
    const auto backend = make_reference_backend<float>();
    const ChosenTensorGroup chosen = make_tensor_group(*world, tensor_device(*backend), {});
    EXPECT_STREQ(chosen.group->name(), "mpi");
    EXPECT_EQ(chosen.why, "tensors are in host memory and go by mpi");
    const auto self = make_self_communicator();
    EXPECT_STREQ(make_tensor_group(*self, tensor_device(*backend), {}).group->name(), "self");
}

TEST(MakeTensorGroup, DeviceWithoutAGpuOfItsOwnGoesThroughTheHost) {
    test::DeferredDevice device;
    const ChosenTensorGroup chosen = make_tensor_group(*world, device.tensors(), {});
    if (world->size() == 1) {
        EXPECT_STREQ(chosen.group->name(), "self");
        EXPECT_EQ(chosen.why, "one rank: tensors stay on its device");
    } else {
        EXPECT_STREQ(chosen.group->name(), "mpi through the host");
        EXPECT_EQ(chosen.why,
                  "rank 0 on " + node_name() + " has no GPU: tensors go through the host and MPI");
    }
}

/// One rank's tensors in host memory do not make the others': all must take the same way.
TEST(MakeTensorGroup, RanksOfDifferentKindsTakeTheSameWay) {
    test::DeferredDevice device;
    const auto backend = make_reference_backend<float>();
    const bool on_host = world->rank() == 0;
    const ChosenTensorGroup chosen =
        make_tensor_group(*world, on_host ? tensor_device(*backend) : device.tensors(), {});
    EXPECT_STREQ(chosen.group->name(), world->size() == 1 ? "mpi" : "mpi through the host");
}

}  // namespace
}  // namespace r1

int main(int argc, char** argv) {
    return r1::test::run_on_ranks(argc, argv);
}
