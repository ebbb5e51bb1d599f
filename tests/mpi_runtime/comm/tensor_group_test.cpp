// SPDX-License-Identifier: Apache-2.0
// Runs under mpirun, once for each of host_rigs.cpp, nccl_rigs.cpp and gpu_rigs.cpp. Every rank
// knows what the others have, and computes in host memory what must come out.
#include "mpi_runtime/comm/tensor_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "common/random.h"
#include "tests/mpi_runtime/comm/tensor_rig.h"
#include "tests/mpi_runtime/ranks_main.h"

namespace r1 {
namespace {

using test::DeviceValues;
using test::type_of;
using test::world;

/// Not a multiple of anything; in ranges of a few thousand values.
constexpr std::size_t kCount = 10'007;

/// Values of very different sizes, so that the order of a sum shows.
template <class T>
std::vector<T> values_of(int rank, std::size_t count, int series = 0) {
    RandomStream random(make_key(7, Purpose::kControl),
                        static_cast<std::uint32_t>(100 * series + rank));
    std::vector<T> values;
    for (std::size_t i = 0; i < count; ++i)
        values.push_back(
            static_cast<T>(std::ldexp(random.normal(), static_cast<int>(random.below(20)))));
    return values;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() &&
           (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

template <class T>
double roundoff() {
    if constexpr (std::is_same_v<T, Bf16>) return std::ldexp(1, -9);
    if constexpr (std::is_same_v<T, float>) return std::ldexp(1, -24);
    return std::ldexp(1, -53);
}

/// Cuts [0, count) for the ranks: equal parts, or unequal ones of which rank 2 has nothing.
std::vector<ValueRange> owners_of(std::size_t count, bool equal) {
    const auto ranks = static_cast<std::size_t>(world->size());
    std::vector<ValueRange> owners;
    std::size_t first = 0;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
        std::size_t last = first + count / ranks;
        if (!equal) last = rank == 2 ? first : std::min(first + (rank + 1) * count / 5, count);
        if (!equal && rank + 1 == ranks) last = count;
        owners.push_back({first, last});
        first = last;
    }
    return owners;
}

struct TensorGroups : testing::TestWithParam<std::string> {
    void SetUp() override {
        const std::string why_not = test::why_rigs_cannot_run();
        if (!why_not.empty()) GTEST_SKIP() << why_not;
    }
    std::unique_ptr<test::TensorRig> rig(const TensorGroupOptions& options = {}) {
        return test::make_rig(GetParam(), *world, options);
    }
    std::size_t self() const { return static_cast<std::size_t>(world->rank()); }
};

/// |computed - sum of the ranks' values| against the error bound of a sum in any order.
template <class T>
void expect_sum(const std::vector<T>& actual, ValueRange range, std::size_t first, int rounds = 1) {
    std::vector<double> sum(range.size()), absolute(range.size());
    for (int round = 0; round < rounds; ++round) {
        for (int rank = 0; rank < world->size(); ++rank) {
            const std::vector<T> theirs = values_of<T>(rank, kCount, round);
            for (std::size_t i = 0; i < range.size(); ++i) {
                sum[i] += static_cast<double>(theirs[range.first + i]);
                absolute[i] += std::fabs(static_cast<double>(theirs[range.first + i]));
            }
        }
    }
    // Each addition rounds once, and so does this sum in double.
    const double unit = (roundoff<T>() + roundoff<double>()) * (world->size() * rounds + 1);
    for (std::size_t i = 0; i < range.size(); ++i)
        ASSERT_NEAR(static_cast<double>(actual[first + i]), sum[i], unit * absolute[i])
            << "value " << range.first + i;
}

template <class T>
void check_all_reduce(test::TensorRig& rig, ReduceOp op) {
    const std::vector<T> own = values_of<T>(world->rank(), kCount);
    DeviceValues<T> values(rig, own);
    rig.group().all_reduce(values.data(), kCount, type_of<T>(), op);
    const std::vector<T> result = values.host();
    if (op == ReduceOp::kSum) {
        expect_sum<T>(result, {0, kCount}, 0);
    } else {
        std::vector<double> most(kCount, -1e300);
        for (int rank = 0; rank < world->size(); ++rank) {
            const std::vector<T> theirs = values_of<T>(rank, kCount);
            for (std::size_t i = 0; i < kCount; ++i)
                most[i] = std::max(most[i], static_cast<double>(theirs[i]));
        }
        for (std::size_t i = 0; i < kCount; ++i)
            ASSERT_EQ(static_cast<double>(result[i]), most[i]) << i;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(result.data()), kCount * sizeof(T));
    for (const std::string& other : world->all_gather(bytes)) EXPECT_TRUE(other == bytes);
}

TEST_P(TensorGroups, AllReduceGivesEveryRankTheSameSum) {
    const auto on = rig();
    check_all_reduce<Bf16>(*on, ReduceOp::kSum);
    check_all_reduce<float>(*on, ReduceOp::kSum);
    check_all_reduce<double>(*on, ReduceOp::kSum);
    check_all_reduce<Bf16>(*on, ReduceOp::kMax);
    check_all_reduce<float>(*on, ReduceOp::kMax);
    EXPECT_EQ(on->group().rank(), world->rank());
    EXPECT_EQ(on->group().size(), world->size());
}

TEST_P(TensorGroups, AllReduceTakesItsPlaceInTheWorkOfTheDevice) {
    const auto on = rig();
    DeviceValues<float> values(*on, std::vector<float>(kCount, 1));
    DeviceValues<float> before(*on, std::vector<float>(kCount));
    DeviceValues<float> after(*on, std::vector<float>(kCount));
    const std::size_t bytes = kCount * sizeof(float);
    for (int i = 0; i < 40; ++i) {
        on->device().copy(before.data(), values.data(), bytes);
        on->group().all_reduce(values.data(), kCount, ValueType::kFloat32);
        on->device().copy(after.data(), values.data(), bytes);
        values.load(std::vector<float>(kCount, static_cast<float>(i + 2)));
    }
    EXPECT_EQ(before.host(), std::vector<float>(kCount, 40));
    EXPECT_EQ(after.host(), std::vector<float>(kCount, static_cast<float>(40 * world->size())));
}

/// The bits of Communicator::reduce_scatter(), which is the specification.
TEST_P(TensorGroups, ReduceScatterInOrderHasTheBitsOfTheCommunicator) {
    const auto on = rig({0, true});
    for (const bool equal : {true, false}) {
        for (const int most : {1, 2, 3}) {
            std::vector<SumTerm> terms;
            for (int rank = 0; rank < world->size(); ++rank)
                for (int i = 0; i <= rank % most; ++i)
                    terms.push_back({rank, i, terms.empty() ? 0 : 1});
            if (terms.size() > 2) {
                terms[terms.size() - 2].joins = 0;
                terms.back().joins = 2;
            }
            const std::vector<ValueRange> ranges = owners_of(kCount - 3, equal);
            std::vector<std::vector<float>> expected;
            std::vector<std::unique_ptr<DeviceValues<float>>> on_device;
            std::vector<float*> host_buffers, buffers;
            for (int i = 0; i <= world->rank() % most; ++i) {
                expected.push_back(values_of<float>(world->rank(), kCount, i));
                on_device.push_back(std::make_unique<DeviceValues<float>>(*on, expected.back()));
                buffers.push_back(on_device.back()->data());
            }
            for (std::vector<float>& buffer : expected) host_buffers.push_back(buffer.data());
            world->reduce_scatter(host_buffers, terms, ranges);
            on->group().reduce_scatter(buffers, terms, ranges);
            EXPECT_TRUE(same_bits(on_device[0]->host(), expected[0])) << most << " buffers";
        }
    }
}

TEST_P(TensorGroups, ReduceScatterSumsTheOwnRangeAndLeavesTheRest) {
    const auto on = rig();
    for (const bool equal : {true, false}) {
        const std::vector<ValueRange> ranges = owners_of(kCount, equal);
        const std::vector<float> own = values_of<float>(world->rank(), kCount);
        DeviceValues<float> values(*on, own);
        float* const buffer = values.data();
        on->group().reduce_scatter({&buffer, 1}, sum_of_ranks(world->size()), ranges);
        const std::vector<float> result = values.host();
        const ValueRange range = ranges[self()];
        expect_sum<float>(result, range, range.first);
        for (std::size_t i = 0; i < kCount; ++i) {
            const bool mine = i >= range.first && i < range.last;
            ASSERT_TRUE(mine || result[i] == own[i]) << i;
        }
    }
}

template <class T>
void check_all_gather(test::TensorRig& rig, const std::vector<ValueRange>& ranges) {
    std::vector<T> expected = values_of<T>(world->rank(), kCount);
    DeviceValues<T> values(rig, expected);
    for (int rank = 0; rank < world->size(); ++rank) {
        const std::vector<T> theirs = values_of<T>(rank, kCount);
        const ValueRange range = ranges[static_cast<std::size_t>(rank)];
        std::copy_n(theirs.data() + range.first, range.size(), expected.data() + range.first);
    }
    rig.group().all_gather(values.data(), type_of<T>(), ranges);
    EXPECT_TRUE(same_bits(values.host(), expected));
}

TEST_P(TensorGroups, AllGatherFillsEveryRange) {
    const auto on = rig();
    for (const bool equal : {true, false}) {
        const std::vector<ValueRange> ranges = owners_of(kCount - 7, equal);
        check_all_gather<Bf16>(*on, ranges);
        check_all_gather<float>(*on, ranges);
        check_all_gather<double>(*on, ranges);
    }
}

/// Sections of a flat buffer: within one owner's range, over several, of one value, and of none.
std::vector<ValueRange> sections() {
    const std::size_t cuts[] = {0, 13, 2000, 2000, 2001, 7900, 9000, kCount};
    std::vector<ValueRange> ranges;
    for (std::size_t i = 0; i + 1 < std::size(cuts); ++i) ranges.push_back({cuts[i], cuts[i + 1]});
    return ranges;
}

/// The loop of the header, with two buffers: the pass over a model whose parameters are cut.
template <class T>
void check_gathers(test::TensorRig& rig, const std::vector<ValueRange>& owners) {
    const std::vector<T> whole = values_of<T>(0, kCount);
    const ValueRange mine = owners[static_cast<std::size_t>(world->rank())];
    DeviceValues<T> own(rig,
                        std::vector<T>(whole.begin() + static_cast<std::ptrdiff_t>(mine.first),
                                       whole.begin() + static_cast<std::ptrdiff_t>(mine.last)));
    DeviceValues<T> result(rig, std::vector<T>(kCount));
    DeviceValues<T> even(rig, std::vector<T>(kCount)), odd(rig, std::vector<T>(kCount));
    T* const buffers[] = {even.data(), odd.data()};
    const std::vector<ValueRange> ranges = sections();
    const auto begin = [&](std::size_t s) {
        return rig.group().begin_gather(buffers[s % 2], type_of<T>(), ranges[s], owners,
                                        own.data());
    };
    TensorGroup::Ticket next = begin(0);
    for (std::size_t s = 0; s < ranges.size(); ++s) {
        rig.group().finish(next);
        if (s + 1 < ranges.size()) next = begin(s + 1);
        rig.device().copy(result.data() + ranges[s].first, buffers[s % 2],
                          ranges[s].size() * sizeof(T));
    }
    EXPECT_TRUE(same_bits(result.host(), whole));
}

TEST_P(TensorGroups, GathersThroughTwoBuffersBringEverySection) {
    const auto on = rig();
    const std::vector<ValueRange> owners = owners_of(kCount, false);
    check_gathers<Bf16>(*on, owners);
    check_gathers<float>(*on, owners);
    check_gathers<double>(*on, owners);
}

/// The loop of the header for gradients, over two micro-batches.
TEST_P(TensorGroups, ReductionsThroughTwoBuffersAddUpAtTheOwners) {
    const auto on = rig();
    const std::vector<ValueRange> owners = owners_of(kCount, false);
    const std::vector<ValueRange> ranges = sections();
    DeviceValues<float> own(*on, std::vector<float>(owners[self()].size()));
    DeviceValues<float> even(*on, std::vector<float>(kCount)), odd(*on, std::vector<float>(kCount));
    DeviceValues<float>* const buffers[] = {&even, &odd};
    TensorGroup::Ticket pending[] = {0, 0};
    for (int round = 0; round < 2; ++round) {
        const std::vector<float> gradients = values_of<float>(world->rank(), kCount, round);
        for (std::size_t s = 0; s < ranges.size(); ++s) {
            on->group().finish(pending[s % 2]);
            std::vector<float> section(kCount, 1e30F);
            std::copy_n(gradients.data() + ranges[s].first, ranges[s].size(), section.data());
            buffers[s % 2]->load(section);
            pending[s % 2] =
                on->group().begin_reduce(buffers[s % 2]->data(), ranges[s], owners, own.data());
        }
    }
    on->group().finish();
    expect_sum<float>(own.host(), owners[self()], 0, 2);
}

TEST_P(TensorGroups, EqualPartsAreReducedAndGatheredToo) {
    const auto on = rig();
    const std::size_t count = 1000 * static_cast<std::size_t>(world->size());
    const std::vector<ValueRange> owners = owners_of(count, true);
    const std::vector<float> gradients = values_of<float>(world->rank(), kCount);
    DeviceValues<float> values(*on, gradients);
    DeviceValues<float> own(*on, std::vector<float>(1000));
    DeviceValues<float> target(*on, std::vector<float>(count));
    on->group().finish(on->group().begin_reduce(values.data(), {0, count}, owners, own.data()));
    on->group().finish(on->group().begin_gather(target.data(), ValueType::kFloat32, {0, count},
                                                owners, own.data()));
    expect_sum<float>(target.host(), {0, count}, 0);
    expect_sum<float>(own.host(), owners[self()], 0);
}

TEST_P(TensorGroups, TicketFinishesWhatWasBegunBeforeItAndAddsOnce) {
    const auto on = rig();
    const std::vector<ValueRange> owners = owners_of(kCount, false);
    DeviceValues<float> ones(*on, std::vector<float>(kCount, 1));
    DeviceValues<float> twos(*on, std::vector<float>(kCount, 2));
    DeviceValues<float> own(*on, std::vector<float>(owners[self()].size(), 100));
    const auto first = on->group().begin_reduce(ones.data(), {0, kCount}, owners, own.data());
    const auto second = on->group().begin_reduce(twos.data(), {0, kCount}, owners, own.data());
    on->group().finish(second);
    on->group().finish(first);
    on->group().finish(second);
    on->group().finish(0);
    on->group().finish();
    on->group().wait();
    const auto sum = static_cast<float>(100 + 3 * world->size());
    EXPECT_EQ(own.host(), std::vector<float>(owners[self()].size(), sum));
}

/// What was begun before does not see what the device is asked after it.
TEST_P(TensorGroups, ReductionSeesTheWorkBeforeItAlone) {
    const auto on = rig();
    const std::vector<ValueRange> owners = owners_of(kCount, false);
    DeviceValues<float> source(*on, std::vector<float>(kCount, 3));
    DeviceValues<float> gradients(*on, std::vector<float>(kCount));
    DeviceValues<float> own(*on, std::vector<float>(owners[self()].size()));
    for (int i = 0; i < 20; ++i) {
        on->device().copy(gradients.data(), source.data(), kCount * sizeof(float));
        on->group().finish(
            on->group().begin_reduce(gradients.data(), {0, kCount}, owners, own.data()));
        on->device().zero(gradients.data(), kCount * sizeof(float));
    }
    EXPECT_EQ(own.host(),
              std::vector<float>(owners[self()].size(), static_cast<float>(60 * world->size())));
}

INSTANTIATE_TEST_SUITE_P(Kinds, TensorGroups, testing::ValuesIn(test::rig_names()),
                         [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace r1
