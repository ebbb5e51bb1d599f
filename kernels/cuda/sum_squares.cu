// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/check.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr std::int64_t kParts = 512;  ///< of each run of values; those that it does not need are 0
constexpr std::int64_t kLeastPart = 4096;

/// Thread t adds up values t, t + kThreads, … of its block's part: aligned or not, the same value
/// goes to the same thread.
__global__ void square_parts_kernel(double* __restrict__ parts, const float* __restrict__ x,
                                    std::int64_t count, std::int64_t part_size) {
    const std::int64_t first = blockIdx.x * part_size;
    const std::int64_t end = first + part_size < count ? first + part_size : count;
    double sum = 0;
#pragma unroll 4
    for (std::int64_t i = first + threadIdx.x; i < end; i += kThreads) {
        const double value = x[i];
        sum = fma(value, value, sum);
    }
    sum = block_reduce(sum, Add{});
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

__global__ void add_parts_kernel(double* __restrict__ sums, const double* __restrict__ parts) {
    double sum = 0;
    for (std::int64_t i = threadIdx.x; i < kParts; i += kThreads) {
        sum += parts[blockIdx.x * kParts + i];
    }
    sum = block_reduce(sum, Add{});
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

}  // namespace

const double* sum_squares(const float* x, std::span<const std::size_t> bounds, Scratch& scratch,
                          cudaStream_t stream) {
    if (bounds.size() < 2) return nullptr;
    const std::size_t runs = bounds.size() - 1;
    const std::size_t part_bytes = runs * kParts * sizeof(double);
    auto* parts = static_cast<double*>(scratch.reserve(part_bytes + runs * sizeof(double)));
    double* sums = parts + runs * kParts;
    check_cuda(cudaMemsetAsync(parts, 0, part_bytes, stream), "cudaMemsetAsync");
    for (std::size_t run = 0; run < runs; ++run) {
        const auto count = static_cast<std::int64_t>(bounds[run + 1] - bounds[run]);
        if (count == 0) continue;
        const std::int64_t even = parts_of(count, kParts);
        const std::int64_t part_size = even < kLeastPart ? kLeastPart : even;
        launch(square_parts_kernel, dim3(static_cast<unsigned>(parts_of(count, part_size))),
               dim3(kThreads), 0, stream, parts + run * kParts, x + bounds[run], count, part_size);
    }
    launch(add_parts_kernel, dim3(static_cast<unsigned>(runs)), dim3(kThreads), 0, stream, sums,
           parts);
    return sums;
}

}  // namespace r1::cuda
