// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>

#include "common/error.h"
#include "mpi_runtime/comm/communicator.h"

namespace r1 {
namespace {

/// As in a shell that no launcher has started.
class WorldCommunicator : public testing::Test {
  protected:
    void SetUp() override {
        for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_SIZE", "PMI_RANK",
                                 "SLURM_STEP_NUM_TASKS"}) {
            unsetenv(name);
        }
    }
};

TEST(SelfCommunicator, IsAGroupOfOne) {
    const auto self = make_self_communicator();
    EXPECT_EQ(self->rank(), 0);
    EXPECT_EQ(self->size(), 1);
    EXPECT_STREQ(self->name(), "self");
}

TEST(SelfCommunicator, CallsLeaveTheValuesAsTheyAre) {
    const auto self = make_self_communicator();
    float one = 1.5F;
    double two = 2.5;
    std::int64_t three = 3;
    self->all_reduce(&one, 1, ReduceOp::kSum);
    self->all_reduce(&two, 1, ReduceOp::kMax);
    self->all_reduce(&three, 1, ReduceOp::kSum);
    self->broadcast(&three, sizeof three, 0);
    self->barrier();
    EXPECT_EQ(one, 1.5F);
    EXPECT_EQ(two, 2.5);
    EXPECT_EQ(three, 3);
}

TEST(SelfCommunicator, AllGatherIsTheOwnBytes) {
    const std::string bytes("a\0b", 3);
    EXPECT_EQ(make_self_communicator()->all_gather(bytes), std::vector<std::string>{bytes});
}

TEST(SelfCommunicator, AbortEndsTheProcessWithTheExitCode) {
    EXPECT_EXIT(make_self_communicator()->abort(5), testing::ExitedWithCode(5), "");
}

TEST_F(WorldCommunicator, WithoutALauncherIsTheGroupOfOne) {
    EXPECT_STREQ(make_world_communicator()->name(), "self");
}

TEST_F(WorldCommunicator, OneTaskOfSrunWithoutMpiIsTheGroupOfOne) {
    setenv("SLURM_STEP_NUM_TASKS", "1", 1);
    EXPECT_STREQ(make_world_communicator()->name(), "self");
}

TEST_F(WorldCommunicator, ManyTasksOfSrunWithoutMpiAreRefused) {
    setenv("SLURM_STEP_NUM_TASKS", "4", 1);
    try {
        make_world_communicator();
        FAIL() << "expected Error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kLibrary);
        EXPECT_NE(std::string(error.what()).find("srun --mpi=pmix"), std::string::npos);
    }
}

}  // namespace
}  // namespace r1
