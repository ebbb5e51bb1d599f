// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/error.h"
#include "kernels/cuda/instructions.h"
#include "kernels/cuda/launch.h"
#include "tests/emulated_gpu/emulated_gpu.h"

namespace r1::cuda {

namespace {

using emulated::Order;
using emulated::set_order;

// Kernels of these tests write host memory, which the emulated GPU shares.
__global__ void reverse(int* to, const int* from, bool with_barrier) {
    __shared__ int values[256];
    values[threadIdx.x] = from[threadIdx.x];
    if (with_barrier) __syncthreads();
    to[threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
}

std::vector<int> reversed(Order order, bool with_barrier) {
    set_order(order, 7);
    std::vector<int> from(256), to(256);
    for (int i = 0; i < 256; ++i) from[static_cast<std::size_t>(i)] = i;
    launch(reverse, 1, 256, 0, nullptr, to.data(), from.data(), with_barrier);
    set_order(Order::kAscending);
    return to;
}

TEST(EmulatedBlock, ABarrierMakesAnyOrderGiveTheSame) {
    const auto ascending = reversed(Order::kAscending, true);
    EXPECT_EQ(ascending[0], 255);
    EXPECT_EQ(ascending[255], 0);
    EXPECT_EQ(reversed(Order::kDescending, true), ascending);
    EXPECT_EQ(reversed(Order::kShuffled, true), ascending);
}

TEST(EmulatedBlock, AMissingBarrierShowsInAnotherOrder) {
    EXPECT_NE(reversed(Order::kAscending, false), reversed(Order::kDescending, false));
}

__global__ void write_places(unsigned* places) {
    const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    places[block * blockDim.x * blockDim.y * blockDim.z + thread] = block * 1000 + thread;
}

TEST(EmulatedBlock, ThreadsAndBlocksCountXFirst) {
    for (const Order order : {Order::kAscending, Order::kDescending, Order::kShuffled}) {
        set_order(order);
        std::vector<unsigned> places(24 * 30);
        launch(write_places, dim3(2, 3, 4), dim3(5, 3, 2), 0, nullptr, places.data());
        for (unsigned i = 0; i < places.size(); ++i) EXPECT_EQ(places[i], i / 30 * 1000 + i % 30);
    }
    set_order(Order::kAscending);
}

template <class T>
__global__ void read_shared(T* fixed, T* dynamic) {
    __shared__ T values[3];
    auto* more = reinterpret_cast<T*>(shared_memory());
    fixed[blockIdx.x] = values[2];
    dynamic[blockIdx.x] = more[1];
    values[2] = more[1] = 5;
}

TEST(EmulatedBlock, SharedMemoryHoldsNaNsAtTheBeginOfEachBlock) {
    std::vector<float> fixed(3, 1.0f), dynamic(3, 1.0f);
    launch(read_shared<float>, 3, 1, 8, nullptr, fixed.data(), dynamic.data());
    for (const float value : fixed) EXPECT_TRUE(std::isnan(value));
    for (const float value : dynamic) EXPECT_TRUE(std::isnan(value));
}

__global__ void count_odd(int* result) {
    const int odd = threadIdx.x % 2;
    const int count = __syncthreads_count(odd);
    const int any = __syncthreads_or(threadIdx.x == 40);
    const int all = __syncthreads_and(threadIdx.x < 40);
    result[threadIdx.x] = 100 * count + 10 * any + all;
}

TEST(EmulatedBlock, BarriersCountVotes) {
    std::vector<int> result(70);
    launch(count_odd, 1, 70, 0, nullptr, result.data());
    for (const int value : result) EXPECT_EQ(value, 3510);
}

__global__ void leave_early() {
    if (threadIdx.x == 3) return;
    __syncthreads();
}

TEST(EmulatedBlockDeathTest, ABarrierThatAThreadMissesEndsTheProgram) {
    EXPECT_DEATH(launch(leave_early, 1, 64, 0, nullptr),
                 "leave_early.*waits in __syncthreads for a thread that does not come "
                 ".1 of 64 threads have left");
}

__global__ void write_beyond_shared() {
    shared_memory()[256] = 1;
}

TEST(EmulatedBlockDeathTest, AWriteBeyondSharedMemoryEndsTheProgram) {
    EXPECT_DEATH(launch(write_beyond_shared, 1, 1, 200, nullptr),
                 "write_beyond_shared.*touches memory");
}

TEST(EmulatedLaunch, AShapeThatTheDeviceLacksIsAnErrorThatNamesTheKernel) {
    try {
        launch(leave_early, 1, 1025, 0, nullptr);
        FAIL() << "expected Error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kLibrary);
        EXPECT_NE(std::string(error.what()).find("leave_early"), std::string::npos);
        EXPECT_NE(std::string(error.what()).find("1025x1x1 threads"), std::string::npos);
    }
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
    EXPECT_THROW(launch(leave_early, 1, 1, 228 * 1024, nullptr), Error);
    EXPECT_THROW(launch(leave_early, dim3(1, 65536), 1, 0, nullptr), Error);
}

TEST(EmulatedLaunch, MuchSharedMemoryHasToBeAskedFor) {
    cudaLaunchConfig_t shape{};
    shape.gridDim = shape.blockDim = 1;
    shape.dynamicSmemBytes = 48 * 1024 + 1;
    EXPECT_EQ(cudaLaunchKernelEx(&shape, write_beyond_shared), cudaErrorInvalidValue);
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
    launch(write_beyond_shared, 1, 1, 48 * 1024 + 1, nullptr);
}

TEST(EmulatedLaunch, AGridWithoutBlocksIsNoWork) {
    const auto before = emulated::launches();
    launch(leave_early, 0, 64, 0, nullptr);
    EXPECT_EQ(emulated::launches(), before);
}

__global__ void wait_unless(unsigned thread) {
    if (threadIdx.x != thread) wait_for_earlier_kernels();
}

TEST(EmulatedBlockDeathTest, AKernelThatIsLaunchedAheadWaitsOnEveryThread) {
    launch_ahead(wait_unless, 2, 64, 0, nullptr, 64u);
    launch(wait_unless, 2, 64, 0, nullptr, 33u);
    emulated::set_devices({.major = 8});  // where no kernel can wait, none is launched ahead
    launch_ahead(wait_unless, 2, 64, 0, nullptr, 33u);
    emulated::set_devices({});
    EXPECT_DEATH(launch_ahead(wait_unless, 2, 64, 0, nullptr, 33u),
                 "wait_unless.*thread \\(33, 0, 0\\): was launched ahead and does not wait");
}

}  // namespace

}  // namespace r1::cuda
