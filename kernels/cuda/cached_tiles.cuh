// SPDX-License-Identifier: Apache-2.0
// 16 tokens of a cache of Bf16 in the registers of a warp. Keys and values go there from memory in
// 16-byte loads and pass no shared memory: the order of a sum's terms is free, and so is that of
// the columns of a result, so that what a lane has loaded is taken for the part of a fragment that
// the lane has to hold (kernels/cuda/instructions.h). g is lane / 4 and t is lane % 4.
#pragma once

#include "kernels/cuda/cached_attention.cuh"

namespace r1::cuda {

__device__ __forceinline__ int warp_lane() {
    return static_cast<int>(threadIdx.x) % 32;
}
__device__ __forceinline__ int lane_group() {
    return warp_lane() / 4;
}
__device__ __forceinline__ int lane_quad() {
    return warp_lane() % 4;
}

/// 16 bytes, or zeros, and then nothing is read.
__device__ __forceinline__ uint4 load16(const Bf16* from, bool valid) {
    return valid ? *reinterpret_cast<const uint4*>(from) : make_uint4(0, 0, 0, 0);
}

// `mine` is where the token first + lane begins; the tile has 16 tokens after the first `skip`.
// Tokens past the end are zeros.

/// of[i][j]: the columns 32j + 8t … + 7 of the token g + 8i.
template <int kDim>
struct KeyTile {
    uint4 of[2][kDim / 32];

    __device__ __forceinline__ void load(const CacheView<Bf16>& view, const CachedHeads& h,
                                         std::int32_t first, int skip, std::int64_t mine) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            const int token = skip + 8 * i + lane_group(), column = 8 * lane_quad();
            const Bf16* from = view.cache.keys + __shfl_sync(0xFFFFFFFF, mine, token) + column;
            const bool valid = first + token < h.count;
#pragma unroll
            for (int j = 0; j < kDim / 32; ++j)
                of[i][j] = load16(from + 32 * j, valid && 32 * j + column < h.head_dim);
        }
    }
};

/// of[i][j]: the columns 64j + 8g … + 7 of the tokens 2t, 2t + 1, 2t + 8 and 2t + 9.
template <int kDim>
struct ValueTile {
    uint4 of[4][kDim / 64];

    __device__ __forceinline__ void load(const CacheView<Bf16>& view, const CachedHeads& h,
                                         std::int32_t first, int skip, std::int64_t mine) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int token = skip + 2 * lane_quad() + i % 2 + i / 2 * 8;
            const int column = 8 * lane_group();
            const Bf16* from = view.cache.values + __shfl_sync(0xFFFFFFFF, mine, token) + column;
            const bool valid = first + token < h.count;
#pragma unroll
            for (int j = 0; j < kDim / 64; ++j)
                of[i][j] = load16(from + 64 * j, valid && 64 * j + column < h.head_dim);
        }
    }

    /// The columns 64j + 8g + 2e and the next, as rows g and g + 8 of a fragment. A word has two
    /// columns of one token; a register of a fragment takes two tokens of one column.
    __device__ __forceinline__ void take(std::uint32_t (&fragment)[4], int j, int e) const {
        constexpr unsigned kLowHalves = 0x5410, kHighHalves = 0x7632;
        std::uint32_t tokens[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const uint4& from = of[i][j];
            tokens[i] = e == 0 ? from.x : e == 1 ? from.y : e == 2 ? from.z : from.w;
        }
        fragment[0] = __byte_perm(tokens[0], tokens[1], kLowHalves);
        fragment[1] = __byte_perm(tokens[0], tokens[1], kHighHalves);
        fragment[2] = __byte_perm(tokens[2], tokens[3], kLowHalves);
        fragment[3] = __byte_perm(tokens[2], tokens[3], kHighHalves);
    }
};

}  // namespace r1::cuda
