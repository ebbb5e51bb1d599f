// SPDX-License-Identifier: Apache-2.0
// Runs under mpirun: every rank runs every test, in the same order.
#include "mpi_runtime/comm/communicator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "common/error.h"
#include "common/random.h"
#include "common/time.h"
#include "tests/mpi_runtime/ranks_main.h"

namespace r1 {
namespace {

using test::world;

/// Numbers of very different sizes, so that another order of summing gives other bits.
template <class T>
std::vector<T> values_of(int rank, std::size_t count) {
    RandomStream random(make_key(7, Purpose::kControl), static_cast<std::uint32_t>(rank));
    std::vector<T> values(count);
    for (T& value : values) {
        if constexpr (std::is_integral_v<T>) {
            value = random.between(-1'000'000, 1'000'000);
        } else {
            value = static_cast<T>(std::ldexp(random.normal(), static_cast<int>(random.below(40))));
        }
    }
    return values;
}

template <class T>
std::vector<T> folded_by_rank(std::size_t count, ReduceOp op) {
    std::vector<T> result = values_of<T>(0, count);
    for (int rank = 1; rank < world->size(); ++rank) {
        const std::vector<T> other = values_of<T>(rank, count);
        for (std::size_t i = 0; i < count; ++i) {
            result[i] = op == ReduceOp::kSum ? result[i] + other[i] : std::max(result[i], other[i]);
        }
    }
    return result;
}

template <class T>
void expect_reduced(std::size_t count, ReduceOp op) {
    std::vector<T> values = values_of<T>(world->rank(), count);
    world->all_reduce(values.data(), count, op);
    const std::vector<T> expected = folded_by_rank<T>(count, op);
    // Bits, not values: equality of doubles would take -0.0 for 0.0.
    EXPECT_TRUE(count == 0 || std::memcmp(values.data(), expected.data(), count * sizeof(T)) == 0)
        << count << " values";
}

/// None, fewer than the ranks, around the switch to chunks, and over several chunks with a rest.
constexpr std::size_t kCounts[] = {0, 1, 3, 511, 512, 513, 1024, 1025, 100'003, 1'200'007};

TEST(MpiCommunicator, AllReduceOfFloatsFoldsInTheOrderOfTheRanks) {
    for (const std::size_t count : kCounts) expect_reduced<float>(count, ReduceOp::kSum);
    for (const std::size_t count : kCounts) expect_reduced<float>(count, ReduceOp::kMax);
}

TEST(MpiCommunicator, AllReduceOfDoublesFoldsInTheOrderOfTheRanks) {
    for (const std::size_t count : kCounts) expect_reduced<double>(count, ReduceOp::kSum);
    for (const std::size_t count : kCounts) expect_reduced<double>(count, ReduceOp::kMax);
}

TEST(MpiCommunicator, AllReduceOfIntegersIsExact) {
    for (const std::size_t count : kCounts) expect_reduced<std::int64_t>(count, ReduceOp::kSum);
    for (const std::size_t count : kCounts) expect_reduced<std::int64_t>(count, ReduceOp::kMax);
}

TEST(MpiCommunicator, AMaximumWithANotANumberOnOneRankIsNotANumberOnAll) {
    for (int bad = 0; bad < world->size(); ++bad) {
        float value = world->rank() == bad ? std::numeric_limits<float>::quiet_NaN() : 1.0F;
        world->all_reduce(&value, 1, ReduceOp::kMax);
        EXPECT_TRUE(std::isnan(value)) << "rank " << bad << " had it";
    }
}

TEST(MpiCommunicator, AllReduceGivesEveryRankTheSameBits) {
    std::vector<float> values = values_of<float>(world->rank(), 600'001);
    world->all_reduce(values.data(), values.size(), ReduceOp::kSum);
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()),
                                 values.size() * sizeof(float));
    for (const std::string& other : world->all_gather(bytes)) EXPECT_TRUE(other == bytes);
}

TEST(MpiCommunicator, ASumDoesNotDependOnItsPlaceInTheBuffer) {
    const std::vector<float> mine = values_of<float>(world->rank(), 5000);
    std::vector<float> together = mine;
    world->all_reduce(together.data(), together.size(), ReduceOp::kSum);
    for (std::size_t at = 0; at < mine.size(); at += 997) {
        float alone = mine[at];
        world->all_reduce(&alone, 1, ReduceOp::kSum);
        EXPECT_EQ(alone, together[at]) << "at " << at;
    }
}

/// Ranges of unequal sizes, some of them empty, with values between them that belong to none.
std::vector<ValueRange> ranges_over(std::size_t count) {
    std::vector<ValueRange> ranges;
    std::size_t first = count / 10;
    for (int rank = 0; rank < world->size(); ++rank) {
        const std::size_t last =
            rank % 3 == 1 ? first : first + count / static_cast<std::size_t>(2 + rank);
        ranges.push_back({std::min(first, count), std::min(last, count)});
        first = last + 3;
    }
    return ranges;
}

/// The buffers of a rank in the tests of reduce_scatter: rank r has 1 + r % 3.
std::vector<std::vector<float>> buffers_of(int rank, std::size_t count) {
    std::vector<std::vector<float>> buffers;
    for (int i = 0; i <= rank % 3; ++i) buffers.push_back(values_of<float>(100 * i + rank, count));
    return buffers;
}

/// Terms of all buffers: from the left, but that the last two are added to each other first.
std::vector<SumTerm> terms_of_all() {
    std::vector<SumTerm> terms;
    for (int rank = 0; rank < world->size(); ++rank)
        for (int i = 0; i <= rank % 3; ++i) terms.push_back({rank, i, terms.empty() ? 0 : 1});
    if (terms.size() > 2) {
        terms[terms.size() - 2].joins = 0;
        terms.back().joins = 2;
    }
    return terms;
}

TEST(MpiCommunicator, ReduceScatterAddsInTheOrderOfTheTerms) {
    const std::vector<SumTerm> terms = terms_of_all();
    for (const std::size_t count : kCounts) {
        const std::vector<ValueRange> ranges = ranges_over(count);
        std::vector<std::vector<float>> own = buffers_of(world->rank(), count);
        std::vector<float> expected = own[0];
        const ValueRange range = ranges[static_cast<std::size_t>(world->rank())];
        for (std::size_t i = range.first; i < range.last; ++i) expected[i] = 0;
        std::vector<std::vector<float>> all;
        for (int rank = 0; rank < world->size(); ++rank)
            for (std::vector<float>& buffer : buffers_of(rank, count))
                all.push_back(std::move(buffer));
        for (std::size_t i = range.first; i < range.last; ++i) {
            const std::size_t n = all.size();
            float sum = all[0][i];
            for (std::size_t k = 1; k + 2 < n; ++k) sum += all[k][i];
            if (n == 2) sum += all[1][i];
            if (n > 2) sum += all[n - 2][i] + all[n - 1][i];
            expected[i] = sum;
        }
        std::vector<float*> buffers;
        for (std::vector<float>& buffer : own) buffers.push_back(buffer.data());
        world->reduce_scatter(buffers, terms, ranges);
        EXPECT_TRUE(std::memcmp(own[0].data(), expected.data(), count * sizeof(float)) == 0)
            << count << " values";
    }
}

TEST(MpiCommunicator, AllGatherInPlaceFillsEveryRange) {
    for (const std::size_t count : kCounts) {
        const std::vector<ValueRange> ranges = ranges_over(count);
        std::vector<float> values = values_of<float>(world->rank(), count);
        std::vector<float> expected = values;
        for (int rank = 0; rank < world->size(); ++rank) {
            const std::vector<float> theirs = values_of<float>(rank, count);
            const ValueRange range = ranges[static_cast<std::size_t>(rank)];
            std::copy_n(theirs.data() + range.first, range.size(), expected.data() + range.first);
        }
        world->all_gather(values.data(), ranges);
        EXPECT_EQ(values, expected) << count << " values";
    }
}

TEST(MpiCommunicator, AllGatherOfRangesMovesValuesOfAnySize) {
    for (const std::size_t value_bytes : {1, 2, 8}) {
        const std::size_t count = 100'003;
        const std::vector<ValueRange> ranges = ranges_over(count);
        std::string values(count * value_bytes, static_cast<char>('a' + world->rank()));
        std::string expected = values;
        for (int rank = 0; rank < world->size(); ++rank) {
            const ValueRange range = ranges[static_cast<std::size_t>(rank)];
            std::fill_n(expected.data() + range.first * value_bytes, range.size() * value_bytes,
                        static_cast<char>('a' + rank));
        }
        world->all_gather_ranges(values.data(), value_bytes, ranges);
        EXPECT_TRUE(values == expected) << value_bytes << " bytes";
    }
}

TEST(MpiCommunicator, SplitFormsGroupsByColorInTheOrderOfTheKeys) {
    const int color = world->rank() % 2;
    const auto part = world->split(color, -world->rank());
    EXPECT_EQ(part->size(), (world->size() + 1 - color) / 2);
    EXPECT_EQ(part->rank(), part->size() - 1 - world->rank() / 2);
    double sum = world->rank();
    part->all_reduce(&sum, 1, ReduceOp::kSum);
    double expected = 0;
    for (int rank = color; rank < world->size(); rank += 2) expected += rank;
    EXPECT_EQ(sum, expected);
    const auto half = part->split(0, part->rank());
    EXPECT_EQ(half->rank(), part->rank());
    EXPECT_EQ(half->size(), part->size());
}

TEST(MpiCommunicator, GroupsOfASplitDoNotMixTheirMessages) {
    const auto first = world->split(0, world->rank());
    const auto second = world->split(0, world->rank());
    std::vector<float> a(3000, 1), b(3000, 2);
    first->all_reduce(a.data(), a.size(), ReduceOp::kSum);
    second->all_reduce(b.data(), b.size(), ReduceOp::kSum);
    EXPECT_EQ(a, std::vector<float>(3000, static_cast<float>(world->size())));
    EXPECT_EQ(b, std::vector<float>(3000, static_cast<float>(2 * world->size())));
}

/// The last rank does something else.
TEST(MpiCommunicator, RollCallKnowsWhoCame) {
    const auto group = world->split(0, world->rank());
    const int absent = world->size() - 1;
    const bool alone = world->size() == 1;
    if (alone || world->rank() != absent) {
        group->call_roll("rank " + std::to_string(world->rank()));
        const auto come = [](const auto& answers) {
            return std::count_if(answers.begin(), answers.end(),
                                 [](const auto& answer) { return answer.has_value(); });
        };
        const auto callers = alone ? 1 : world->size() - 1;
        while (come(group->roll_answers()) < callers) std::this_thread::yield();
        const auto answers = group->roll_answers();
        ASSERT_EQ(answers.size(), static_cast<std::size_t>(world->size()));
        for (int rank = 0; rank < world->size(); ++rank) {
            const auto& answer = answers[static_cast<std::size_t>(rank)];
            ASSERT_EQ(answer.has_value(), alone || rank != absent);
            EXPECT_EQ(answer.value_or("rank " + std::to_string(rank)),
                      "rank " + std::to_string(rank));
        }
    }
    world->barrier();
    EXPECT_EQ(group->roll_called(), !alone && world->rank() == absent);
    EXPECT_FALSE(world->roll_called());
}

TEST(MpiCommunicator, BroadcastGivesEveryRankTheRootsBytes) {
    // The last one takes more than one call of MPI.
    const std::size_t sizes[] = {0, 1, 4099, (std::size_t{64} << 20) + 5};
    for (const std::size_t size : sizes) {
        const int root = world->size() - 1;
        std::string bytes(size, static_cast<char>('a' + world->rank()));
        if (world->rank() == root && size > 0) bytes.back() = 'Z';
        world->broadcast(bytes.data(), size, root);
        std::string expected(size, static_cast<char>('a' + root));
        if (size > 0) expected.back() = 'Z';
        EXPECT_TRUE(bytes == expected) << size << " bytes";
    }
}

TEST(MpiCommunicator, AllGatherKeepsUnequalAndEmptyPartsApart) {
    const auto part_of = [](int rank) {
        return std::string(static_cast<std::size_t>(rank) * 1000, static_cast<char>('a' + rank));
    };
    const std::vector<std::string> parts = world->all_gather(part_of(world->rank()));
    ASSERT_EQ(parts.size(), static_cast<std::size_t>(world->size()));
    for (int rank = 0; rank < world->size(); ++rank) {
        EXPECT_EQ(parts[static_cast<std::size_t>(rank)], part_of(rank));
    }
}

TEST(MpiCommunicator, AllGatherOfNothingIsEmptyParts) {
    const std::vector<std::string> parts = world->all_gather({});
    EXPECT_EQ(parts, std::vector<std::string>(static_cast<std::size_t>(world->size())));
}

TEST(MpiCommunicator, AllGatherOfMoreThanOneCallHolds) {
    // 72 MiB and more in all, in parts that differ by rank.
    const auto part_of = [](int rank) {
        const std::size_t share = (std::size_t{72} << 20) / static_cast<std::size_t>(world->size());
        return std::string(share + static_cast<std::size_t>(rank), static_cast<char>('a' + rank));
    };
    const std::vector<std::string> parts = world->all_gather(part_of(world->rank()));
    ASSERT_EQ(parts.size(), static_cast<std::size_t>(world->size()));
    for (int rank = 0; rank < world->size(); ++rank) {
        EXPECT_TRUE(parts[static_cast<std::size_t>(rank)] == part_of(rank)) << "rank " << rank;
    }
}

TEST(MpiCommunicator, ABarrierWaitsForTheLastRank) {
    const int last = world->size() - 1;
    world->barrier();
    const double start = monotonic_seconds();
    if (world->rank() == last) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    world->barrier();
    EXPECT_GE(monotonic_seconds() - start, 0.15);
}

TEST(MpiCommunicator, AFailingCallThrowsWithMpisTextAndThePlace) {
    char byte = 0;
    try {
        world->broadcast(&byte, 1, world->size());
        FAIL() << "expected Error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kLibrary);
        const std::string text = error.what();
        EXPECT_NE(text.find("MPI: MPI_Bcast failed: MPI_ERR_ROOT"), text.npos) << text;
        EXPECT_NE(text.find("mpi_communicator.cpp:"), text.npos) << text;
    }
}

TEST(MpiCommunicator, ASecondOneInAProcessIsRefused) {
    EXPECT_THROW(make_mpi_communicator(), Error);
}

}  // namespace
}  // namespace r1

int main(int argc, char** argv) {
    return r1::test::run_on_ranks(argc, argv);
}
