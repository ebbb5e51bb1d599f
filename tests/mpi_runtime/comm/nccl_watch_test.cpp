// SPDX-License-Identifier: Apache-2.0
// Runs under mpirun. Ranks that do not come, and errors of NCCL: the end is an Error that says who
// or what, and never a wait without end.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "common/error.h"
#include "common/host.h"
#include "common/time.h"
#include "tests/common/library_error.h"
#include "tests/emulated_gpu/nccl/nccl_faults.h"
#include "tests/mpi_runtime/comm/tensor_rig.h"
#include "tests/mpi_runtime/ranks_main.h"

namespace r1 {
namespace {

using test::world;

/// Every rank but 1 does `work`, which must end with an Error that names rank 1.
template <class Work>
void expect_rank_1_is_named(const std::string& collective, const Work& work) {
    const auto comm = world->split(0, world->rank());
    const auto rig = test::make_rig("nccl1", *comm, {0.4, false});
    test::DeviceValues<float> values(*rig, std::vector<float>(200, 1));
    const int aborted = test::aborted_nccl_communicators();
    if (world->rank() != 1) {
        const double start = monotonic_seconds();
        const std::string text = library_error_of([&] { work(*rig, values.data()); });
        EXPECT_EQ(text.find("NCCL: rank 1 on " + node_name() + " did not come to collective " +
                            collective + " within 1s; rank 0 on " + node_name()),
                  0U)
            << text;
        EXPECT_LT(monotonic_seconds() - start, 30);
        EXPECT_EQ(test::aborted_nccl_communicators(), aborted + 1);
        EXPECT_EQ(library_error_of(
                      [&] { rig->group().all_reduce(values.data(), 1, ValueType::kFloat32); }),
                  "NCCL: the group was aborted before");
    }
    world->barrier();
}

TEST(NcclWatch, RankThatNeverEntersASumIsNamed) {
    expect_rank_1_is_named("3 (all_reduce)", [](test::TensorRig& rig, float* values) {
        rig.group().all_reduce(values, 100, ValueType::kFloat32);
        rig.group().wait();
    });
}

TEST(NcclWatch, RankThatNeverEntersIsNamedWhereTheHostReadsTheResult) {
    expect_rank_1_is_named("3 (all_reduce)", [](test::TensorRig& rig, float* values) {
        rig.group().all_reduce(values, 100, ValueType::kFloat32);
        float first = 0;
        rig.device().to_host(&first, values, sizeof first);
    });
}

TEST(NcclWatch, RankThatNeverEntersWhatWasBegunIsNamed) {
    expect_rank_1_is_named("3 (begin_reduce)", [](test::TensorRig& rig, float* values) {
        // Everyone owns something, so that everyone needs rank 1.
        std::vector<ValueRange> owners{{0, 70}};
        while (owners.size() < static_cast<std::size_t>(world->size()))
            owners.push_back({owners.back().last, owners.back().last + 10});
        rig.group().finish(rig.group().begin_reduce(values, {0, 100}, owners, values + 100));
        rig.group().wait();
    });
}

/// A rank far ahead of the others waits where it is watched.
TEST(NcclWatch, RankThatNeverEntersIsNamedWithoutAWaitOfTheCaller) {
    expect_rank_1_is_named("19 (all_reduce)", [](test::TensorRig& rig, float* values) {
        for (int i = 0; i < 100; ++i) rig.group().all_reduce(values, 100, ValueType::kFloat32);
    });
}

/// Longer than the limit, in which it does one thing after the other.
TEST(NcclWatch, RankThatStillWorksIsWaitedFor) {
    const auto comm = world->split(0, world->rank());
    const auto rig = test::make_rig("nccl2", *comm, {0.4, false});
    test::DeviceValues<float> values(*rig, std::vector<float>(100, 1));
    for (int i = 0; world->rank() == 1 && i < 15; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        rig->group().wait();
    }
    rig->group().all_reduce(values.data(), 100, ValueType::kFloat32);
    EXPECT_EQ(values.host(), std::vector<float>(100, static_cast<float>(world->size())));
    world->barrier();
}

TEST(NcclWatch, RankThatComesLateIsWaitedFor) {
    const auto comm = world->split(0, world->rank());
    const auto rig = test::make_rig("nccl2", *comm, {20, false});
    test::DeviceValues<float> values(*rig, std::vector<float>(100, 1));
    if (world->rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(300));
    rig->group().all_reduce(values.data(), 100, ValueType::kFloat32);
    EXPECT_EQ(values.host(), std::vector<float>(100, static_cast<float>(world->size())));
}

TEST(NcclWatch, ErrorOfNcclWhileWaitingAbortsAndSaysWhere) {
    const auto comm = world->split(0, world->rank());
    const auto rig = test::make_rig("nccl3", *comm, {});
    test::DeviceValues<float> values(*rig, std::vector<float>(100, 1));
    if (world->rank() == 0) {
        rig->group().all_reduce(values.data(), 100, ValueType::kFloat32);
        test::inject_nccl_error(ncclSystemError);
        const std::string text = library_error_of([&] { rig->group().wait(); });
        EXPECT_EQ(text.find("NCCL: all_reduce failed: an emulated error: the cable is out, in "
                            "collective 3 (all_reduce) of rank 0 on " +
                            node_name()),
                  0U)
            << text;
    }
    world->barrier();
}

TEST(NcclWatch, GroupsThatEndWellAreDestroyed) {
    const int open = test::open_nccl_communicators();
    const int aborted = test::aborted_nccl_communicators();
    {
        const auto rig = test::make_rig("nccl4", *world, {});
        EXPECT_EQ(test::open_nccl_communicators(), open + 1);
    }
    EXPECT_EQ(test::open_nccl_communicators(), open);
    EXPECT_EQ(test::aborted_nccl_communicators(), aborted);
}

TEST(NcclWatch, GroupThatIsLeftByAnExceptionIsAborted) {
    const int aborted = test::aborted_nccl_communicators();
    const auto comm = world->split(0, world->rank());
    EXPECT_THROW(
        {
            const auto rig = test::make_rig("nccl4", *comm, {});
            throw std::runtime_error("something else");
        },
        std::runtime_error);
    EXPECT_EQ(test::aborted_nccl_communicators(), aborted + 1);
    world->barrier();
}

}  // namespace
}  // namespace r1
