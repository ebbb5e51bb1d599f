// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/cuda/launch.h"
#include "tests/emulated_gpu/emulated_gpu.h"

namespace r1::cuda {

namespace {

float* allocate(std::size_t count) {
    float* memory = nullptr;
    EXPECT_EQ(cudaMalloc(&memory, count * sizeof(float)), cudaSuccess);
    return memory;
}

__global__ void write_at(float* memory, std::int64_t index) {
    memory[index] = 1;
}

TEST(EmulatedMemory, IsAlignedAndHoldsNaNs) {
    const std::size_t before = emulated::live_allocations();
    float* memory = allocate(5);
    EXPECT_EQ(emulated::live_allocations(), before + 1);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 256, 0u);
    std::vector<float> host(5);
    EXPECT_EQ(cudaMemcpy(host.data(), memory, 20, cudaMemcpyDeviceToHost), cudaSuccess);
    for (const float value : host) EXPECT_TRUE(std::isnan(value));
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
    EXPECT_EQ(emulated::live_allocations(), before);
}

TEST(EmulatedMemoryDeathTest, AWriteOutsideIsFound) {
    float* memory = allocate(5);
    const auto write_and_free = [&](std::int64_t index) {
        launch(write_at, 1, 1, 0, nullptr, memory, index);
        cudaFree(memory);
    };
    EXPECT_DEATH(write_and_free(5), "a write beyond an allocation of 20 bytes");
    EXPECT_DEATH(write_and_free(-1), "a write before an allocation of 20 bytes");
    EXPECT_DEATH(write_and_free(64), "write_at.*touches memory");
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
    EXPECT_DEATH(launch(write_at, 1, 1, 0, nullptr, memory, 0), "write_at.*touches memory");
}

TEST(EmulatedMemoryDeathTest, ACopyBeyondAnAllocationIsFound) {
    float* memory = allocate(5);
    std::vector<float> host(6);
    EXPECT_DEATH(cudaMemcpy(memory, host.data(), 24, cudaMemcpyHostToDevice),
                 "a copy or fill of 24 bytes beyond an allocation of 20 bytes");
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
}

TEST(EmulatedMemory, CopiesAndFillsCheckOnWhichSideMemoryIs) {
    float* memory = allocate(4);
    std::vector<float> host{1, 2, 3, 4};
    EXPECT_EQ(cudaMemcpy(memory, host.data(), 16, cudaMemcpyHostToDevice), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(memory, host.data(), 16, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemcpy(memory, host.data(), 16, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemset(host.data(), 0, 16), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemset(memory + 1, 0, 4), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(host.data(), memory, 16, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(host, (std::vector<float>{1, 0, 3, 4}));
    EXPECT_EQ(cudaFree(host.data()), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
    EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
    cudaGetLastError();
}

TEST(EmulatedMemory, RunsOutWhereTheDeviceDoes) {
    emulated::set_devices({1, 9, 0, 1000});
    float* first = allocate(200);
    float* second = nullptr;
    EXPECT_EQ(cudaMalloc(&second, 201), cudaErrorMemoryAllocation);
    std::size_t free = 0, total = 0;
    EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
    EXPECT_EQ(free, 200u);
    EXPECT_EQ(total, 1000u);
    EXPECT_EQ(cudaFree(first), cudaSuccess);
    emulated::set_devices({});
    cudaGetLastError();
}

TEST(EmulatedDevices, AreAsManyAndAsOldAsWasSet) {
    emulated::set_devices({0});
    int count = -1;
    EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
    EXPECT_EQ(count, 0);
    cudaStream_t stream = nullptr;
    EXPECT_EQ(cudaStreamCreate(&stream), cudaErrorNoDevice);
    emulated::set_devices({2, 7, 0});
    cudaDeviceProp facts{};
    EXPECT_EQ(cudaGetDeviceProperties(&facts, 1), cudaSuccess);
    EXPECT_EQ(std::string(facts.name), "emulated");
    EXPECT_EQ(facts.major, 7);
    EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
    emulated::set_devices({});
    cudaGetLastError();
}

TEST(EmulatedErrors, TheLastOneStaysUntilItIsRead) {
    EXPECT_EQ(cudaSetDevice(9), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
    EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
    EXPECT_STREQ(cudaGetErrorString(cudaErrorInvalidDevice), "invalid device ordinal");
}

}  // namespace

}  // namespace r1::cuda
