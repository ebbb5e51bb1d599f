// SPDX-License-Identifier: Apache-2.0
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/cuda/launch.h"
#include "tests/emulated_gpu/emulated_gpu.h"

namespace r1::cuda {

namespace {

constexpr unsigned kAll = 0xFFFFFFFFu;

struct Shuffles {
    int from, up, down, exchanged, narrow_down;
    double wide;
};

__global__ void shuffle_all(Shuffles* results) {
    const int mine = 100 + static_cast<int>(threadIdx.x);
    Shuffles& result = results[threadIdx.x];
    result.from = __shfl_sync(kAll, mine, 5);
    result.up = __shfl_up_sync(kAll, mine, 3);
    result.down = __shfl_down_sync(kAll, mine, 3);
    result.exchanged = __shfl_xor_sync(kAll, mine, 9);
    result.narrow_down = __shfl_down_sync(kAll, mine, 3, 8);
    result.wide = __shfl_sync(kAll, mine / 3.0, 33, 16);
}

TEST(EmulatedWarp, ShufflesTakeTheLanesOfTheManual) {
    for (const auto order : {emulated::Order::kAscending, emulated::Order::kShuffled}) {
        emulated::set_order(order, 3);
        std::vector<Shuffles> results(64);
        launch(shuffle_all, 1, 64, 0, nullptr, results.data());
        for (int i = 0; i < 64; ++i) {
            const Shuffles& got = results[static_cast<std::size_t>(i)];
            const int first = 100 + i / 32 * 32, lane = i % 32;
            EXPECT_EQ(got.from, first + 5);
            EXPECT_EQ(got.up, first + (lane < 3 ? lane : lane - 3));
            EXPECT_EQ(got.down, first + (lane > 28 ? lane : lane + 3));
            EXPECT_EQ(got.exchanged, first + (lane ^ 9));
            EXPECT_EQ(got.narrow_down, first + (lane % 8 > 4 ? lane : lane + 3));
            EXPECT_EQ(got.wide, (first + lane / 16 * 16 + 1) / 3.0);
        }
    }
    emulated::set_order(emulated::Order::kAscending);
}

__global__ void vote(unsigned* results) {
    const unsigned lane = threadIdx.x;
    const unsigned half = lane < 16 ? 0xFFFFu : 0xFFFF0000u;
    results[lane] = __ballot_sync(half, lane % 3 == 0);
    results[32 + lane] = static_cast<unsigned>(__any_sync(half, lane == 20)) * 2 +
                         static_cast<unsigned>(__all_sync(half, lane >= 16));
    results[64 + lane] = __reduce_add_sync(half, lane);
    results[96 + lane] = __reduce_max_sync(half, lane) * 100 + __reduce_min_sync(half, lane);
}

TEST(EmulatedWarp, VotesAndSumsAreOfTheLanesInTheMask) {
    std::vector<unsigned> results(128);
    launch(vote, 1, 32, 0, nullptr, results.data());
    EXPECT_EQ(results[0], 0x9249u);
    EXPECT_EQ(results[31], 0x49240000u);
    EXPECT_EQ(results[32], 0u);
    EXPECT_EQ(results[63], 3u);
    EXPECT_EQ(results[64], 120u);
    EXPECT_EQ(results[95], 376u);
    EXPECT_EQ(results[96], 1500u);
    EXPECT_EQ(results[127], 3116u);
}

__global__ void shuffle_from_outside(float* result) {
    if (threadIdx.x < 16) result[threadIdx.x] = __shfl_sync(0xFFFFu, 1.0f, 20);
}

TEST(EmulatedWarp, AShuffleFromOutsideOfTheMaskGivesNaN) {
    std::vector<float> result(16);
    launch(shuffle_from_outside, 1, 32, 0, nullptr, result.data());
    for (const float value : result) EXPECT_TRUE(std::isnan(value));
}

__global__ void miss_shuffle() {
    if (threadIdx.x != 7) __shfl_sync(kAll, 1, 0);
}
__global__ void differ() {
    if (threadIdx.x < 16)
        __shfl_sync(kAll, 1, 0);
    else
        __ballot_sync(kAll, 1);
}
__global__ void not_in_mask() {
    __syncwarp(0xFFFFu);
}

TEST(EmulatedWarpDeathTest, LanesThatDoNotComeEndTheProgram) {
    EXPECT_DEATH(launch(miss_shuffle, 1, 32, 0, nullptr),
                 "miss_shuffle.*waits in __shfl_sync for a lane of 0xffffffff that does not come");
    EXPECT_DEATH(launch(miss_shuffle, 1, 16, 0, nullptr), "waits in __shfl_sync for a lane");
    EXPECT_DEATH(launch(differ, 1, 32, 0, nullptr),
                 "differ.*comes to __ballot_sync while lanes of 0xffffffff wait in __shfl_sync");
    EXPECT_DEATH(launch(not_in_mask, 1, 32, 0, nullptr), "mask 0x0000ffff, which lacks it");
}

__global__ void count(int* counter, int* seen) {
    seen[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(counter, 2);
    atomicMax(counter + 1, static_cast<int>(threadIdx.x));
    atomicCAS(counter + 2, 0, static_cast<int>(threadIdx.x) + 1);
}

TEST(EmulatedAtomics, ReturnWhatWasThere) {
    std::vector<int> counter(3), seen(80);
    launch(count, 2, 40, 0, nullptr, counter.data(), seen.data());
    EXPECT_EQ(counter, (std::vector<int>{160, 39, 1}));
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], 2 * static_cast<int>(i));
}

TEST(EmulatedBits, AreCountedAndPermuted) {
    EXPECT_EQ(__byte_perm(0x33221100u, 0x77665544u, 0x5410), 0x55441100u);
    EXPECT_EQ(__byte_perm(0x33221100u, 0x77665544u, 0x7632), 0x77663322u);
    EXPECT_EQ(__clz(1), 31);
    EXPECT_EQ(__ffs(12), 3);
    EXPECT_EQ(__umulhi(0x80000000u, 6u), 3u);
}

TEST(EmulatedBfloat16, RoundsToTheNearestEvenAndKeepsPairsInOrder) {
    EXPECT_EQ(__bfloat16_as_ushort(__float2bfloat16_rn(1.00390625f)), 0x3F80);  // a tie, to even
    EXPECT_EQ(__bfloat16_as_ushort(__float2bfloat16_rn(1.01171875f)), 0x3F82);  // a tie, to even
    EXPECT_EQ(__bfloat16_as_ushort(__float2bfloat16_rn(std::nanf(""))), 0x7FFF);
    const __nv_bfloat162 pair = __floats2bfloat162_rn(1.5f, -2.0f);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(pair), 0xC0003FC0u);
    EXPECT_EQ(__low2float(pair), 1.5f);
    EXPECT_EQ(__bfloat1622float2(pair).y, -2.0f);
}

}  // namespace

}  // namespace r1::cuda
