// SPDX-License-Identifier: Apache-2.0
// Runs under mpirun. Two groups of NCCL on one device, of which one hangs: that one is named, and
// wherever the host waits for the device there is an end to it.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "common/error.h"
#include "common/host.h"
#include "common/time.h"
#include "mpi_runtime/comm/tensor_groups.h"
#include "tests/common/library_error.h"
#include "tests/emulated_gpu/nccl/deferred_device.h"
#include "tests/emulated_gpu/nccl/nccl_faults.h"
#include "tests/mpi_runtime/ranks_main.h"

namespace r1 {
namespace {

using test::world;

/// Two groups of all ranks on one device, as those of the data and of slices of the model are.
class TwoGroups {
  public:
    explicit TwoGroups(double limit_seconds, int first_color = 0, int second_color = 0)
        : first_comm_(world->split(first_color, world->rank())),
          second_comm_(world->split(second_color, world->rank())) {
        test::seed_streams(static_cast<std::uint64_t>(world->rank()));
        first = make(*first_comm_, limit_seconds);
        second = make(*second_comm_, limit_seconds);
        values = static_cast<float*>(device.allocate(kCount * sizeof(float)));
    }
    TwoGroups(const TwoGroups&) = delete;
    TwoGroups& operator=(const TwoGroups&) = delete;
    ~TwoGroups() { device.release(values); }

    void sum_over(TensorGroup& group) { group.all_reduce(values, kCount, ValueType::kFloat32); }
    void read() {
        float value = 0;
        device.to_host(&value, values, sizeof value);
    }

    static constexpr std::size_t kCount = 100;
    test::DeferredDevice device;

  private:
    std::unique_ptr<Communicator> first_comm_, second_comm_;

    std::unique_ptr<TensorGroup> make(Communicator& comm, double limit_seconds) {
        return make_nccl_tensor_group(comm, device.tensors(), {device.stream(), device.watches()},
                                      {limit_seconds, false});
    }

  public:
    std::unique_ptr<TensorGroup> first, second;
    float* values = nullptr;
};

constexpr double kShort = 0.4;

void expect_rank_1_in(const std::string& text) {
    EXPECT_EQ(text.find("NCCL: rank 1 on " + node_name() + " did not come to collective 3"), 0U)
        << text;
}

/// Every rank but 1 does `work`, which must end with an Error that names rank 1 and leave nothing
/// on the device, whose both groups are aborted.
template <class Work>
void expect_both_groups_end(const Work& work) {
    TwoGroups two(kShort);
    const int aborted = test::aborted_nccl_communicators();
    if (world->rank() != 1) {
        expect_rank_1_in(library_error_of([&] { work(two); }));
        EXPECT_EQ(test::aborted_nccl_communicators(), aborted + 2);
        EXPECT_TRUE(test::is_idle(two.device.stream()));
        EXPECT_EQ(library_error_of([&] { two.sum_over(*two.first); }),
                  "NCCL: the group was aborted before");
        EXPECT_EQ(library_error_of([&] { two.sum_over(*two.second); }),
                  "NCCL: the group was aborted before");
        // What the device has now is no result.
        expect_rank_1_in(library_error_of([&] { two.read(); }));
    }
    world->barrier();
}

TEST(NcclGroups, RankMissingFromTheFirstOfTwoGroupsIsNamed) {
    expect_both_groups_end([](TwoGroups& two) {
        two.sum_over(*two.first);
        two.read();
    });
}

TEST(NcclGroups, RankMissingFromTheSecondOfTwoGroupsIsNamed) {
    expect_both_groups_end([](TwoGroups& two) {
        two.sum_over(*two.second);
        two.read();
    });
}

/// On streams of their own: neither communicator can be taken down before the other is.
TEST(NcclGroups, RankMissingFromBothGroupsIsNamed) {
    expect_both_groups_end([](TwoGroups& two) {
        std::vector<ValueRange> owners(static_cast<std::size_t>(world->size()),
                                       {TwoGroups::kCount, TwoGroups::kCount});
        owners[0] = {0, TwoGroups::kCount};
        two.first->begin_reduce(two.values, owners[0], owners, two.values);
        two.sum_over(*two.second);
        two.read();
    });
}

/// Rank 1 leaves out a collective of one group and comes to the other, where all wait then: not
/// that one hangs.
void expect_left_out_is_named(bool first_is_left_out) {
    TwoGroups two(kShort);
    TensorGroup& whole = first_is_left_out ? *two.second : *two.first;
    TensorGroup& other = first_is_left_out ? *two.first : *two.second;
    const int aborted = test::aborted_nccl_communicators();
    const std::string text = library_error_of([&] {
        if (world->rank() != 1) two.sum_over(other);
        two.sum_over(whole);
        two.read();
    });
    // Rank 1 does not know what the others' collective is called.
    expect_rank_1_in(text);
    if (world->rank() != 1) {
        EXPECT_NE(text.find("collective 3 (all_reduce) within"), std::string::npos) << text;
    }
    EXPECT_EQ(test::aborted_nccl_communicators(), aborted + 2);
    world->barrier();
}

TEST(NcclGroups, CollectiveThatARankLeavesOutInTheFirstGroupIsNamed) {
    expect_left_out_is_named(true);
}

TEST(NcclGroups, CollectiveThatARankLeavesOutInTheSecondGroupIsNamed) {
    expect_left_out_is_named(false);
}

/// Ranks 0 and 1 are a group, as 2 and 3 are, and 0 and 2, and 1 and 3. Rank 3 is missing; 1 waits
/// for it, and 0 for 1, of which it must not be said before.
TEST(NcclGroups, RankThatIsHeldUpByAnotherGroupIsNotNamed) {
    if (world->size() < 4) GTEST_SKIP() << "takes four ranks";
    const int rank = world->rank();
    TwoGroups two(kShort, rank / 2, rank % 2);
    double end = 0;
    if (rank < 2) {
        const std::string text = library_error_of([&] {
            if (rank == 0) two.sum_over(*two.first);
            if (rank == 1) two.sum_over(*two.second);
            two.read();
        });
        end = monotonic_seconds();
        const std::string missing = rank == 0 ? "rank 1 on " : "rank 3 on ";
        EXPECT_EQ(text.find("NCCL: " + missing + node_name() + " did not come to collective 3"), 0U)
            << text;
    }
    const auto ends = world->all_gather(std::to_string(end));
    EXPECT_GT(std::stod(ends[0]), std::stod(ends[1]));
}

TEST(NcclGroups, GroupThatIsDestroyedLeavesTheOthersWatch) {
    for (const bool first_goes : {true, false}) {
        TwoGroups two(kShort);
        (first_goes ? two.first : two.second).reset();
        TensorGroup& rest = first_goes ? *two.second : *two.first;
        if (world->rank() != 1) {
            expect_rank_1_in(library_error_of([&] {
                two.sum_over(rest);
                two.read();
            }));
        }
        world->barrier();
    }
}

/// The copies wait for memory of the host, and that for the collective.
TEST(NcclGroups, CopiesToTheDeviceBehindACollectiveThatHangsEnd) {
    TwoGroups two(kShort);
    if (world->rank() != 1) {
        two.sum_over(*two.first);
        const std::string text = library_error_of([&] {
            const std::vector<float> host(TwoGroups::kCount);
            for (int copy = 0; copy < 100; ++copy)
                two.device.to_device(two.values, host.data(), host.size() * sizeof(float));
        });
        expect_rank_1_in(text);
    }
    world->barrier();
}

TEST(NcclGroups, MemoryThatIsAskedForBehindACollectiveThatHangsIsRefused) {
    TwoGroups two(kShort);
    if (world->rank() != 1) {
        two.sum_over(*two.first);
        expect_rank_1_in(library_error_of([&] { two.device.allocate(4); }));
    }
    world->barrier();
}

/// As when an exception of something else unwinds the stack: what went wrong is said later.
TEST(NcclGroups, MemoryIsReleasedBehindACollectiveThatHangs) {
    TwoGroups two(kShort);
    void* const memory = two.device.allocate(4);
    if (world->rank() != 1) {
        two.sum_over(*two.first);
        two.device.release(memory);
        expect_rank_1_in(library_error_of([&] { two.read(); }));
    } else {
        two.device.release(memory);
    }
    world->barrier();
}

/// For longer than the limit, in which it does one thing after the other.
TEST(NcclGroups, RankThatStillWorksIsWaitedForInBoth) {
    TwoGroups two(kShort);
    for (int i = 0; world->rank() == 1 && i < 12; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        two.read();
    }
    two.sum_over(*two.second);
    two.sum_over(*two.first);
    EXPECT_NO_THROW(two.read());
    world->barrier();
}

TEST(NcclGroups, ErrorWithinAGroupOfCallsAborts) {
    TwoGroups two(kShort);
    const int open = test::open_nccl_communicators();
    const int aborted = test::aborted_nccl_communicators();
    if (world->rank() == 0) {
        test::fail_nccl_call(ncclInvalidUsage);
        const std::string text = library_error_of([&] { two.sum_over(*two.first); });
        EXPECT_EQ(text.find("NCCL: ncclAllReduce failed: invalid usage: the cable is out, in "
                            "collective 3 (all_reduce) of rank 0 on " +
                            node_name()),
                  0U)
            << text;
        EXPECT_EQ(test::aborted_nccl_communicators(), aborted + 2);
        EXPECT_EQ(test::open_nccl_communicators(), open - 2);
    }
    world->barrier();
    if (world->rank() != 0) {
        two.sum_over(*two.first);
        EXPECT_NE(library_error_of([&] { two.read(); }).find("rank 0 on"), std::string::npos);
    }
    world->barrier();
}

}  // namespace
}  // namespace r1
