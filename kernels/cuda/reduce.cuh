// SPDX-License-Identifier: Apache-2.0
// Sums and maxima over the threads of a block, in an order that depends on the block's size alone.
#pragma once

#include <cuda_runtime.h>

namespace r1::cuda {

inline constexpr int kWarp = 32;
inline constexpr int kMaxWarps = 32;
inline constexpr unsigned kAllLanes = 0xFFFFFFFF;

struct Add {
    template <class V>
    __device__ V operator()(V a, V b) const {
        return a + b;
    }
};
/// NaN is passed over.
struct Larger {
    __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};
struct Smaller {
    __device__ int operator()(int a, int b) const { return a < b ? a : b; }
};

/// Every lane gets the result. Lane i and lane i ^ offset compute the same, since `combine` is
/// commutative.
template <class V, class Combine>
__device__ __forceinline__ V warp_reduce(V value, Combine combine) {
#pragma unroll
    for (int offset = kWarp / 2; offset > 0; offset /= 2) {
        value = combine(value, __shfl_xor_sync(kAllLanes, value, offset));
    }
    return value;
}

/// Every thread gets the result; the block is whole warps in one dimension. The barrier at the
/// start lets it be called again at once.
template <class V, class Combine>
__device__ V block_reduce(V value, Combine combine) {
    __shared__ V parts[kMaxWarps];
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const int warps = static_cast<int>(blockDim.x) / kWarp;
    value = warp_reduce(value, combine);
    __syncthreads();
    if (lane == 0) parts[warp] = value;
    __syncthreads();
    V result = parts[0];
    for (int i = 1; i < warps; ++i) result = combine(result, parts[i]);
    return result;
}

}  // namespace r1::cuda
