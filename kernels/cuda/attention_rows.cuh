// SPDX-License-Identifier: Apache-2.0
// The parts of attention in float. A block is eight warps, each with one row (a query, or a key) of
// one head; 32 rows of the other side, one a lane, lie in shared memory at a time.
#pragma once

#include <cstdint>

#include "kernels/cuda/attention_batch.cuh"

namespace r1::cuda {

inline constexpr int kRowWarps = 8;
inline constexpr int kRowThreads = 32 * kRowWarps;
inline constexpr int kLaneRows = 32;
inline constexpr int kMostColumns = 256;
/// Columns that a lane sums: lane, lane + 32, …
inline constexpr int kLaneColumns = kMostColumns / 32;

/// Rows of shared memory with one unused value each, so that the lanes' rows are in different
/// banks.
struct SharedRows {
    float* values;
    int columns;

    __device__ static int floats(int rows, int columns) { return rows * (columns + 1); }
    __device__ float* row(int i) const { return values + i * (columns + 1); }

    /// Fills `capacity` rows from a matrix of `rows` rows; zeros beyond. The whole block takes
    /// part.
    __device__ void load(const float* source, std::int64_t stride, int rows, int capacity) const {
        for (int i = static_cast<int>(threadIdx.x); i < capacity * columns; i += kRowThreads) {
            const int r = i / columns, c = i % columns;
            row(r)[c] = r < rows ? source[r * stride + c] : 0;
        }
    }

    __device__ float dot(int i, const float* other) const {
        float sum = 0;
        for (int c = 0; c < columns; ++c) sum = fmaf(row(i)[c], other[c], sum);
        return sum;
    }
};

/// sum += the 32 rows, each times its weight. The weights are the warp's own 32 values in shared
/// memory.
__device__ inline void add_weighted(float (&sum)[kLaneColumns], const float* weights,
                                    const SharedRows& rows) {
    const int lane = static_cast<int>(threadIdx.x % 32);
    for (int i = 0; i < kLaneRows; ++i) {
        const float* row = rows.row(i);
#pragma unroll
        for (int c = 0; c < kLaneColumns; ++c) {
            if (lane + 32 * c < rows.columns) sum[c] = fmaf(weights[i], row[lane + 32 * c], sum[c]);
        }
    }
}

/// Writes the sums, times `factor`, to a row of a matrix.
__device__ inline void write_row(float* target, const float (&sum)[kLaneColumns], float factor,
                                 int columns) {
    const int lane = static_cast<int>(threadIdx.x % 32);
#pragma unroll
    for (int c = 0; c < kLaneColumns; ++c) {
        if (lane + 32 * c < columns) target[lane + 32 * c] = sum[c] * factor;
    }
}

/// Bytes of the shared memory of a block: its own rows of `own` matrices, two sets of lanes' rows,
/// and `weights` times 32 values a warp.
inline std::size_t row_shared_bytes(int columns, int own, int weights) {
    const int rows = own * kRowWarps + 2 * kLaneRows;
    return sizeof(float) *
           static_cast<std::size_t>(rows * (columns + 1) + weights * 32 * kRowWarps);
}

}  // namespace r1::cuda
