// SPDX-License-Identifier: Apache-2.0
// Tiles of Bf16 in shared memory, as tensor cores take them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/bfloat16.h"
#include "kernels/cuda/instructions.h"

namespace r1::cuda {

/// Rows of kColumns values in 16-byte chunks. Chunk c of row r lies at place c ^ swizzle(r), so
/// that the 8 rows that ldmatrix reads at once are in different banks.
template <int kColumns>
class Tile {
  public:
    static constexpr unsigned kRowBytes = kColumns * sizeof(Bf16);
    static constexpr unsigned kChunks = kColumns / 8;
    static_assert(kColumns >= 32 && (kColumns & (kColumns - 1)) == 0);

    /// `memory` is aligned to 128 bytes.
    __device__ explicit Tile(unsigned char* memory)
        : memory_(memory), address_(shared_address(memory)) {}

    static __device__ unsigned offset(unsigned row, unsigned chunk) {
        return row * kRowBytes + ((chunk ^ swizzle(row)) * 16);
    }

    /// Begins to fill kRows rows from a matrix of `rows` rows of `columns` values (a multiple of
    /// 8); what lies beyond becomes zero. The whole block takes part.
    template <int kRows, int kThreads>
    __device__ void load_async(const Bf16* source, int stride, int rows, int columns) {
        constexpr unsigned kStep = kThreads / kChunks;
        const unsigned chunk = threadIdx.x % kChunks;
        const unsigned row0 = threadIdx.x / kChunks;
        const int valid_rows = static_cast<int>(chunk) * 8 < columns ? rows : 0;
#pragma unroll
        for (unsigned i = 0; i < kRows; i += kStep) {
            const int row = static_cast<int>(row0 + i);
            if (kRows % kStep != 0 && row >= kRows) break;
            copy_async_16(address_ + offset(row0 + i, chunk), source + row * stride + chunk * 8,
                          row < valid_rows);
        }
    }

    /// Writes a warp's sums (tile_product.cuh), rounded, to the rows from `row` (a multiple of 8)
    /// and the columns from 8 · chunk on.
    template <int kAtoms, int kGroups>
    __device__ void put(const float (&sum)[kAtoms][kGroups][4], unsigned row, unsigned chunk) {
        const unsigned lane = threadIdx.x % 32;
#pragma unroll
        for (unsigned i = 0; i < kAtoms * 2; ++i) {
#pragma unroll
            for (unsigned n = 0; n < kGroups; ++n) {
                const float* pair = &sum[i / 2][n][2 * (i % 2)];
                unsigned char* place = memory_ + offset(row + 8 * i + lane / 4, chunk + n);
                reinterpret_cast<std::uint32_t*>(place)[lane % 4] = pack_bf16(pair[0], pair[1]);
            }
        }
    }

    /// Copies the first `rows` of kRows rows, `columns` wide, to a matrix. The whole block takes
    /// part, after a barrier.
    template <int kRows, int kThreads>
    __device__ void store(Bf16* target, std::int64_t stride, int rows, int columns) const {
        const unsigned chunk = threadIdx.x % kChunks;
        if (static_cast<int>(chunk) * 8 >= columns) return;
        for (unsigned row = threadIdx.x / kChunks; row < kRows; row += kThreads / kChunks) {
            if (static_cast<int>(row) >= rows) return;
            *reinterpret_cast<uint4*>(target + row * stride + chunk * 8) =
                *reinterpret_cast<const uint4*>(memory_ + offset(row, chunk));
        }
    }

    /// What this lane passes to ldmatrix.x4 for 16 rows from `row` and the chunks `chunk` and
    /// chunk + 1 (row a multiple of 16, chunk even). by_rows: the four matrices are (rows 0-7,
    /// rows 8-15) of the one chunk, then of the other. by_chunks: the two chunks of rows 0-7, then
    /// of rows 8-15.
    __device__ SharedAddress by_rows(unsigned row, unsigned chunk) const {
        const unsigned lane = threadIdx.x % 32;
        return fragment(row, chunk, lane % 16, lane / 16);
    }
    __device__ SharedAddress by_chunks(unsigned row, unsigned chunk) const {
        const unsigned lane = threadIdx.x % 32;
        return fragment(row, chunk, lane / 16 * 8 + lane % 8, lane / 8 % 2);
    }

  private:
    static __device__ unsigned swizzle(unsigned row) {
        return kChunks >= 8 ? row % 8 : row / 2 % 4;
    }
    // An even chunk shares no bit with `second`, and a chunk none with a row: one xor a chunk.
    __device__ SharedAddress fragment(unsigned row, unsigned chunk, unsigned lane_row,
                                      unsigned second) const {
        return address_ + row * kRowBytes + (offset(lane_row, second) ^ (chunk * 16));
    }

    unsigned char* memory_;
    SharedAddress address_;
};

}  // namespace r1::cuda
