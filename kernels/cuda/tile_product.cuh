// SPDX-License-Identifier: Apache-2.0
// The products of tiles that one warp makes on tensor cores by mma.m16n8k16 (PTX ISA, "Matrix
// Fragments for mma.m16n8k16"). A warp's sums are sum[atom][group][4]: 16 rows an atom, 8 columns a
// group. With g = lane / 4 and t = lane % 4, a lane holds of each (row g, columns 2t and 2t + 1),
// then (row g + 8, the same columns).
#pragma once

#include <cstdint>

#include "kernels/cuda/tile.cuh"

namespace r1::cuda {

/// sum += a · bᵀ, with the rows of a from row_a on and 8 · kGroups rows of b.
template <int kAtoms, int kGroups, int kColumns>
__device__ __forceinline__ void add_product(float (&sum)[kAtoms][kGroups][4],
                                            const Tile<kColumns>& a, unsigned row_a,
                                            const Tile<kColumns>& b) {
#pragma unroll
    for (unsigned k = 0; k < kColumns / 16; ++k) {
        std::uint32_t left[kAtoms][4];
#pragma unroll
        for (unsigned m = 0; m < kAtoms; ++m)
            ldmatrix_x4(left[m], a.by_rows(row_a + 16 * m, 2 * k));
#pragma unroll
        for (unsigned n = 0; n < kGroups / 2; ++n) {
            std::uint32_t right[4];
            ldmatrix_x4(right, b.by_chunks(16 * n, 2 * k));
#pragma unroll
            for (unsigned m = 0; m < kAtoms; ++m) {
                mma_m16n8k16(sum[m][2 * n], left[m], right[0], right[1]);
                mma_m16n8k16(sum[m][2 * n + 1], left[m], right[2], right[3]);
            }
        }
    }
}

/// Sums as the left operand of a product, rounded to Bf16: a lane holds of the operand what it
/// holds of the sums.
template <int kAtoms, int kDepth>
struct Operand {
    std::uint32_t pairs[kAtoms][kDepth / 2][4];

    __device__ __forceinline__ explicit Operand(const float (&sum)[kAtoms][kDepth][4]) {
#pragma unroll
        for (int m = 0; m < kAtoms; ++m) {
#pragma unroll
            for (int i = 0; i < kDepth * 2; ++i) {
                const float* pair = &sum[m][i / 2][2 * (i % 2)];
                pairs[m][i / 4][i % 4] = pack_bf16(pair[0], pair[1]);
            }
        }
    }
};

/// sum += a · b, with the columns of b from 8 · chunk on and 8 · kDepth of its rows.
template <int kAtoms, int kGroups, int kDepth, int kColumns>
__device__ __forceinline__ void add_product(float (&sum)[kAtoms][kGroups][4],
                                            const Operand<kAtoms, kDepth>& a,
                                            const Tile<kColumns>& b, unsigned chunk) {
#pragma unroll
    for (unsigned k = 0; k < kDepth / 2; ++k) {
#pragma unroll
        for (unsigned n = 0; n < kGroups / 2; ++n) {
            std::uint32_t right[4];
            ldmatrix_x4_transposed(right, b.by_rows(16 * k, chunk + 2 * n));
#pragma unroll
            for (unsigned m = 0; m < kAtoms; ++m) {
                mma_m16n8k16(sum[m][2 * n], a.pairs[m][k], right[0], right[1]);
                mma_m16n8k16(sum[m][2 * n + 1], a.pairs[m][k], right[2], right[3]);
            }
        }
    }
}

}  // namespace r1::cuda
