// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

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

TEST(SelfCommunicator, ReduceScatterAddsTheOwnBuffers) {
    // In floats 1 is lost next to 1e8, so that the order shows.
    std::vector<float> a(3000, 1e8F), b(3000, 1), c(3000, 1), d(3000, -1e8F);
    const std::vector<float*> buffers{a.data(), b.data(), c.data(), d.data()};
    const std::vector<ValueRange> ranges{{1, 2500}};
    const auto self = make_self_communicator();
    self->reduce_scatter(buffers, std::vector<SumTerm>{{0, 0, 0}, {0, 3, 1}, {0, 1, 0}, {0, 2, 2}},
                         ranges);
    EXPECT_EQ(a[0], 1e8F);
    EXPECT_EQ(a[1], 2);
    EXPECT_EQ(a[2499], 2);
    EXPECT_EQ(a[2500], 1e8F);
    std::fill(a.begin(), a.end(), 1e8F);
    self->reduce_scatter(buffers, std::vector<SumTerm>{{0, 0, 0}, {0, 1, 1}, {0, 2, 0}, {0, 3, 2}},
                         ranges);
    EXPECT_EQ(a[1], 0);
    EXPECT_EQ(b[1], 1);
}

TEST(SelfCommunicator, SplitIsAGroupOfOneAndAnswersItsOwnRoll) {
    const auto part = make_self_communicator()->split(3, 7);
    EXPECT_EQ(part->rank(), 0);
    EXPECT_EQ(part->size(), 1);
    EXPECT_FALSE(part->roll_called());
    part->call_roll("here");
    const auto answers = part->roll_answers();
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0], "here");
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
