// SPDX-License-Identifier: Apache-2.0
// What the kernels of attention.h share: the batch as they see it, and how they are chosen.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <type_traits>

#include "common/error.h"
#include "kernels/backend.h"
#include "kernels/cuda/instructions.h"

namespace r1::cuda {

/// PackedSequences and HeadShape for device code.
struct AttentionBatch {
    AttentionBatch(const PackedSequences& packed, const HeadShape& shape)
        : offsets(packed.offsets),
          sequences(packed.count),
          heads(shape.heads),
          kv_heads(shape.kv_heads),
          head_dim(shape.head_dim),
          query_width(shape.query_width()),
          kv_width(shape.kv_width()),
          qkv_width(shape.qkv_width()),
          scale(static_cast<float>(1 / std::sqrt(static_cast<double>(shape.head_dim)))) {}

    const std::int32_t* offsets;
    std::int32_t sequences;
    std::int32_t heads;
    std::int32_t kv_heads;
    std::int32_t head_dim;
    std::int32_t query_width;
    std::int32_t kv_width;
    std::int32_t qkv_width;
    float scale;

    __device__ int group() const { return heads / kv_heads; }
    /// Where the keys and values of a head begin in a row of q|k|v.
    __device__ int key_column(int kv_head) const { return query_width + kv_head * head_dim; }
    __device__ int value_column(int kv_head) const { return key_column(kv_head) + kv_width; }
};

/// A tile of up to kSize rows of one sequence. Sequence s has the tiles from offsets[s] / kSize + s
/// on: at least as many as it needs, and at most one more.
template <int kSize>
struct SequenceTile {
    std::int64_t first;  ///< the sequence's first row
    int length;          ///< the sequence's rows
    int begin;  ///< the tile's first row, within the sequence; an idle tile's is not below length

    __device__ SequenceTile(const AttentionBatch& batch, int tile) {
        int sequence = 0;
        for (int end = batch.sequences; end - sequence > 1;) {
            const int middle = (sequence + end) / 2;
            (batch.offsets[middle] / kSize + middle <= tile ? sequence : end) = middle;
        }
        const int offset = batch.offsets[sequence];
        first = offset;
        length = batch.offsets[sequence + 1] - offset;
        begin = (tile - offset / kSize - sequence) * kSize;
    }

    __device__ bool idle() const { return begin >= length; }
    /// Rows of the sequence from the tile's first on.
    __device__ int left() const { return length - begin; }
};

/// The tiles of a batch.
inline int tiles_of(const PackedSequences& sequences, int size) {
    return sequences.rows / size + sequences.count;
}

inline constexpr float kLog2E = std::numbers::log2e_v<float>;

/// Sets the scores of keys after their query to minus infinity. Rows of the sums are queries from
/// `query` on and columns keys from `key` on, or the other way around.
template <bool kRowsAreKeys, int kAtoms, int kGroups>
__device__ __forceinline__ void mask_later_keys(float (&scores)[kAtoms][kGroups][4], int row,
                                                int column) {
    const int lane = static_cast<int>(threadIdx.x % 32);
#pragma unroll
    for (int m = 0; m < kAtoms; ++m) {
#pragma unroll
        for (int n = 0; n < kGroups; ++n) {
#pragma unroll
            for (int e = 0; e < 4; ++e) {
                const int r = row + 16 * m + lane / 4 + 8 * (e / 2);
                const int c = column + 8 * n + 2 * (lane % 4) + e % 2;
                if (kRowsAreKeys ? r > c : c > r) scores[m][n][e] = -INFINITY;
            }
        }
    }
}

inline void check_head_dim(std::int32_t head_dim) {
    if (head_dim % 8 == 0 && head_dim > 0 && head_dim <= 256) return;
    throw Error(ExitCode::kUsage, "attention with heads of " + std::to_string(head_dim) +
                                      " values: the GPU takes multiples of 8 up to 256");
}

/// Calls launch(constant) with the dimension that kernels are compiled for.
template <class Launch>
void with_compiled_dim(std::int32_t head_dim, Launch launch) {
    check_head_dim(head_dim);
    if (head_dim <= 32) return launch(std::integral_constant<int, 32>());
    if (head_dim <= 64) return launch(std::integral_constant<int, 64>());
    if (head_dim <= 128) return launch(std::integral_constant<int, 128>());
    launch(std::integral_constant<int, 256>());
}

}  // namespace r1::cuda
