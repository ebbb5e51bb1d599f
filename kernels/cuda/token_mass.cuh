// SPDX-License-Identifier: Apache-2.0
// Masses of tokens as whole numbers, so that their sums are exact and the same in any order, and
// the search in them. All threads of a block take part and get the result.
#pragma once

#include "kernels/cuda/softmax_row.cuh"

namespace r1::cuda {

/// A weight exp(scaled) ≤ 1 times a power of 2 that keeps the sum of a vocabulary below 2^62.
using Mass = unsigned long long;

struct Reached {
    std::int32_t index;  ///< of the first thread at which the running sum reaches the target, or -1
    Mass before;         ///< the sum of the threads before it; of all threads when there is none
};

/// Searches the values of the block's threads in their order.
__device__ inline Reached first_thread_reaching(Mass own, Mass target) {
    __shared__ Mass warp_sums[kMaxWarps];
    __shared__ Reached reached;
    const int thread = static_cast<int>(threadIdx.x);
    const int lane = thread % kWarp, warp = thread / kWarp;
    Mass prefix = own;
#pragma unroll
    for (int offset = 1; offset < kWarp; offset *= 2) {
        const Mass before = __shfl_up_sync(kAllLanes, prefix, static_cast<unsigned>(offset));
        if (lane >= offset) prefix += before;
    }
    __syncthreads();
    if (lane == kWarp - 1) warp_sums[warp] = prefix;
    if (thread == 0) reached.index = -1;
    __syncthreads();
    for (int i = 0; i < warp; ++i) prefix += warp_sums[i];
    if (prefix >= target && prefix - own < target) reached = {thread, prefix - own};
    if (prefix < target && thread == static_cast<int>(blockDim.x) - 1) reached.before = prefix;
    __syncthreads();
    return reached;
}

inline constexpr std::int32_t kTiles = 64;  ///< of a vocabulary: 4 for each warp

/// tiles[i] = the mass of tile i of `size` tokens.
template <class MassOf>
__device__ void add_up_tiles(Mass* tiles, const float* line, std::int32_t vocab, std::int32_t size,
                             MassOf mass) {
    const std::int32_t lane = static_cast<std::int32_t>(threadIdx.x) % kWarp;
    const std::int32_t warp = static_cast<std::int32_t>(threadIdx.x) / kWarp;
    for (std::int32_t tile = warp; tile < kTiles; tile += kSoftmaxThreads / kWarp) {
        const std::int32_t first = tile * size;
        const std::int32_t end = first + size < vocab ? first + size : vocab;
        Mass sum = 0;
#pragma unroll 4
        for (std::int32_t j = first + lane; j < end; j += kWarp) sum += mass(j, line[j]);
        sum = warp_reduce(sum, Add{});
        if (lane == 0) tiles[tile] = sum;
    }
}

/// The first token at which the running sum of mass(id, logit), in the order of ids, reaches
/// target_of(whole sum): at least 1, and at most the whole sum.
template <class MassOf, class Target>
__device__ std::int32_t first_token_reaching(const float* line, std::int32_t vocab, MassOf mass,
                                             Target target_of) {
    __shared__ Mass tiles[kTiles];
    const std::int32_t thread = static_cast<std::int32_t>(threadIdx.x);
    const std::int32_t size = parts_of(vocab, kTiles);
    __syncthreads();
    add_up_tiles(tiles, line, vocab, size, mass);
    __syncthreads();
    Mass whole = 0;
    for (std::int32_t i = 0; i < kTiles; ++i) whole += tiles[i];
    Mass target = target_of(whole);
    const Reached tile = first_thread_reaching(thread < kTiles ? tiles[thread] : 0, target);
    target -= tile.before;
    const std::int32_t tile_end = (tile.index + 1) * size;
    const std::int32_t end = tile_end < vocab ? tile_end : vocab;
    for (std::int32_t first = tile.index * size; first < end; first += kSoftmaxThreads) {
        const std::int32_t j = first + thread;
        const Reached token = first_thread_reaching(j < end ? mass(j, line[j]) : 0, target);
        if (token.index >= 0) return first + token.index;
        target -= token.before;
    }
    return vocab - 1;
}

}  // namespace r1::cuda
