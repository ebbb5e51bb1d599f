// SPDX-License-Identifier: Apache-2.0
// Elementwise work on flat buffers.
#pragma once

#include <cstddef>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {

inline constexpr int kFlatLanes = 4;  ///< 16 bytes of float
inline constexpr std::int64_t kFlatThreads = 256;

/// work.template at<N>(i) does the elements i to i + N - 1. The last of them, fewer than
/// kFlatLanes, are done one by one.
template <int N, class Work>
__global__ void flat_kernel(Work work, std::int64_t count) {
    const std::int64_t i = (blockIdx.x * kFlatThreads + threadIdx.x) * N;
    if (i + N <= count) {
        work.template at<N>(i);
    } else {
        for (std::int64_t j = i; j < count; ++j) work.template at<1>(j);
    }
}

/// `packed`: whether element 0 of all buffers is aligned to 16 bytes.
template <class Work>
void for_each_flat(const Work& work, std::size_t count, bool packed, cudaStream_t stream) {
    if (count == 0) return;
    const auto total = static_cast<std::int64_t>(count);
    const auto kernel = packed ? flat_kernel<kFlatLanes, Work> : flat_kernel<1, Work>;
    const std::int64_t lanes = packed ? kFlatLanes : 1;
    launch(kernel, dim3(static_cast<unsigned>(parts_of(total, kFlatThreads * lanes))),
           dim3(static_cast<unsigned>(kFlatThreads)), 0, stream, work, total);
}

}  // namespace r1::cuda
