// SPDX-License-Identifier: Apache-2.0
// FlashAttention-2 (Dao 2023, algorithm 1): a block keeps a tile of queries of one head, and the
// keys and values before them stream by. Query heads that share a key head are neighbours in the
// grid, so that they meet in the L2 cache.
#include "kernels/cuda/attention_batch.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/tile_product.cuh"

namespace r1::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kThreads = 32 * kWarps;
constexpr int kKeys = 64;
// Keys and values take turns in one ring of tiles; two are on their way while one is used.
constexpr int kStages = 3;

// Two atoms a warp use each fragment of keys and values twice; with 256 columns their sums would
// not fit the registers.
template <int kDim>
constexpr int kAtoms = kDim <= 128 ? 2 : 1;
template <int kDim>
constexpr int kQueries = 16 * kAtoms<kDim>* kWarps;
template <int kDim>
constexpr int kSharedBytes = (kQueries<kDim> + kStages * kKeys) * kDim * 2;

// The tiles of keys (even steps) and values (odd steps) of one head.
template <int kDim>
struct KeyValueRing {
    unsigned char* memory;
    const Bf16* keys;
    const AttentionBatch& batch;
    int past_keys;  // what follows no query of the block sees

    __device__ Tile<kDim> tile(int step) const {
        return Tile<kDim>(memory + step % kStages * (kKeys * kDim * 2));
    }

    __device__ void load(int step) const {
        const int key = step / 2 * kKeys;
        if (key < past_keys) {
            const Bf16* source = keys + static_cast<std::int64_t>(key) * batch.qkv_width +
                                 (step % 2 == 0 ? 0 : batch.kv_width);
            tile(step).template load_async<kKeys, kThreads>(source, batch.qkv_width,
                                                            past_keys - key, batch.head_dim);
        }
        commit_copies();
    }

    // The tile of a step, once all of it is there. All have left the step before: its place takes
    // the next tile.
    __device__ Tile<kDim> take(int step) const {
        wait_copies<kStages - 2>();
        __syncthreads();
        load(step + kStages - 1);
        return tile(step);
    }
};

// The running statistics of the rows that a lane has a part of; `sum` is of its own columns.
template <int kAtomCount>
struct SoftmaxRows {
    float largest[kAtomCount][2];
    float sum[kAtomCount][2];
};

// Scores become exp(scale · (score − largest)), in base 2; what `out` holds is brought to the new
// largest score. The first tile of a row has its key 0, so that `largest` is finite from then on.
template <int kAtomCount, int kGroups, int kOut>
__device__ __forceinline__ void exponentiate(float (&scores)[kAtomCount][kGroups][4],
                                             float (&out)[kAtomCount][kOut][4],
                                             SoftmaxRows<kAtomCount>& rows, float scale) {
#pragma unroll
    for (int m = 0; m < kAtomCount; ++m) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float largest = rows.largest[m][half];
#pragma unroll
            for (int n = 0; n < kGroups; ++n) {
                largest = fmaxf(largest, fmaxf(scores[m][n][2 * half], scores[m][n][2 * half + 1]));
            }
            largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, 1));
            largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, 2));
            const float kept = exp2_approx((rows.largest[m][half] - largest) * scale);
            const float shift = largest * scale;
            rows.largest[m][half] = largest;
            float sum = rows.sum[m][half] * kept;
#pragma unroll
            for (int i = 0; i < 2 * kGroups; ++i) {
                float& score = scores[m][i / 2][2 * half + i % 2];
                score = exp2_approx(fmaf(score, scale, -shift));
                sum += score;
            }
            rows.sum[m][half] = sum;
#pragma unroll
            for (int i = 0; i < 2 * kOut; ++i) out[m][i / 2][2 * half + i % 2] *= kept;
        }
    }
}

// Divides by the sums of the rows, and writes the log-sum-exp of the first `rows` rows.
template <int kAtomCount, int kOut>
__device__ __forceinline__ void normalise(float (&out)[kAtomCount][kOut][4], float* lse,
                                          const SoftmaxRows<kAtomCount>& state, int heads, int rows,
                                          float scale) {
    const int lane = static_cast<int>(threadIdx.x % 32);
#pragma unroll
    for (int m = 0; m < kAtomCount; ++m) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float sum = state.sum[m][half];
            sum += __shfl_xor_sync(0xffffffffu, sum, 1);
            sum += __shfl_xor_sync(0xffffffffu, sum, 2);
            const float inverse = 1 / sum;
#pragma unroll
            for (int i = 0; i < 2 * kOut; ++i) out[m][i / 2][2 * half + i % 2] *= inverse;
            const int row = 16 * m + 8 * half + lane / 4;
            if (lane % 4 == 0 && row < rows) {
                lse[static_cast<std::int64_t>(row) * heads] =
                    fmaf(state.largest[m][half], scale, logf(sum));
            }
        }
    }
}

// Grid: tiles of queries · heads; the last tiles of a sequence, which see the most keys, come
// first.
template <int kDim>
__global__ void __launch_bounds__(kThreads, 2)
    forward_kernel(Bf16* out, float* lse, const Bf16* qkv, AttentionBatch batch) {
    constexpr int kRows = 16 * kAtoms<kDim>;
    const int block = static_cast<int>(gridDim.x - 1 - blockIdx.x);
    const SequenceTile<kQueries<kDim>> tile(batch, block / batch.heads);
    if (tile.idle()) return;
    const int head = block % batch.heads;
    const int query0 = tile.begin;
    const Bf16* rows = qkv + tile.first * batch.qkv_width;
    const int kv_head = head / batch.group();
    const int past_keys = min(query0 + kQueries<kDim>, tile.length);

    Tile<kDim> queries(shared_memory());
    queries.template load_async<kQueries<kDim>, kThreads>(
        rows + static_cast<std::int64_t>(query0) * batch.qkv_width + head * batch.head_dim,
        batch.qkv_width, past_keys - query0, batch.head_dim);
    const KeyValueRing<kDim> ring{shared_memory() + kQueries<kDim> * kDim * 2,
                                  rows + batch.key_column(kv_head), batch, past_keys};
    for (int i = 0; i < kStages - 1; ++i) ring.load(i);

    const int warp_row = static_cast<int>(threadIdx.x / 32) * kRows;
    const int warp_query = query0 + warp_row;
    float sum[kAtoms<kDim>][kDim / 8][4] = {};
    SoftmaxRows<kAtoms<kDim>> state{};
    for (auto& pair : state.largest) pair[0] = pair[1] = -INFINITY;
    for (int key0 = 0; key0 < past_keys; key0 += kKeys) {
        const int step = key0 / kKeys * 2;
        const bool sees = key0 < warp_query + kRows && warp_query < past_keys;
        const Tile<kDim> keys = ring.take(step);
        float scores[kAtoms<kDim>][kKeys / 8][4] = {};
        if (sees) {
            add_product(scores, queries, static_cast<unsigned>(warp_row), keys);
            if (key0 + kKeys - 1 > warp_query) mask_later_keys<false>(scores, warp_query, key0);
            exponentiate(scores, sum, state, batch.scale * kLog2E);
        }
        const Operand p(scores);
        const Tile<kDim> values = ring.take(step + 1);
        if (sees) add_product(sum, p, values, 0);
    }

    const std::int64_t out_row = tile.first + query0;
    normalise(sum, lse + (out_row + warp_row) * batch.heads + head, state, batch.heads,
              past_keys - warp_query, batch.scale);
    // Each warp read only its own queries; their place now takes its own rows of the result.
    __syncwarp();
    queries.put(sum, static_cast<unsigned>(warp_row), 0);
    __syncthreads();
    queries.template store<kQueries<kDim>, kThreads>(
        out + out_row * batch.query_width + head * batch.head_dim, batch.query_width,
        past_keys - query0, batch.head_dim);
}

}  // namespace

template <>
void attention_forward(Bf16* out, float* lse, const Bf16* qkv, const PackedSequences& sequences,
                       const HeadShape& shape, cudaStream_t stream) {
    if (sequences.rows == 0) return;
    with_compiled_dim(shape.head_dim, [&](auto dim) {
        constexpr int kDim = decltype(dim)::value;
        const auto grid = static_cast<unsigned>(tiles_of(sequences, kQueries<kDim>) * shape.heads);
        launch(forward_kernel<kDim>, dim3(grid), dim3(kThreads), kSharedBytes<kDim>, stream, out,
               lse, qkv, AttentionBatch(sequences, shape));
    });
}

}  // namespace r1::cuda
