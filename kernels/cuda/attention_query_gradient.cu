// SPDX-License-Identifier: Apache-2.0
// dq = scale · sum over keys of ds · k (Dao et al. 2022, appendix B.2). A block keeps a tile of
// queries of one head and their output gradients; the keys and values before them stream by.
#include "kernels/cuda/attention_gradient.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/tile_product.cuh"

namespace r1::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kThreads = 32 * kWarps;
constexpr int kKeys = 32;
constexpr int kStages = 2;

template <int kDim>
constexpr int kAtoms = kDim <= 128 ? 2 : 1;
template <int kDim>
constexpr int kQueries = 16 * kAtoms<kDim>* kWarps;
template <int kDim>
constexpr int kTileBytes = kKeys* kDim * 2;
template <int kDim>
constexpr int kSharedBytes = 2 * kQueries<kDim>* kDim * 2 + 2 * kStages* kTileBytes<kDim>;

// lse (in base 2) and dot of the rows that a lane has a part of; zero beyond the sequence, where
// the gradient of the output is zero too, and so is all that follows from it.
template <int kAtomCount>
struct RowStatistics {
    float lse2[kAtomCount][2];
    float dot[kAtomCount][2];

    __device__ RowStatistics(const float* lse_rows, const float* dot_rows, int heads, int rows) {
#pragma unroll
        for (int i = 0; i < 2 * kAtomCount; ++i) {
            const int row = 8 * i + static_cast<int>(threadIdx.x % 32) / 4;
            const std::int64_t at = static_cast<std::int64_t>(row) * heads;
            lse2[i / 2][i % 2] = row < rows ? lse_rows[at] * kLog2E : 0;
            dot[i / 2][i % 2] = row < rows ? dot_rows[at] : 0;
        }
    }
};

template <int kDim>
struct KeyValuePairs {
    unsigned char* memory;
    const Bf16* keys;
    const AttentionBatch& batch;
    int length;
    int tiles;

    __device__ Tile<kDim> key_tile(int i) const {
        return Tile<kDim>(memory + i % kStages * (2 * kTileBytes<kDim>));
    }
    __device__ Tile<kDim> value_tile(int i) const {
        return Tile<kDim>(memory + (i % kStages * 2 + 1) * kTileBytes<kDim>);
    }
    __device__ void load(int i) const {
        if (i < tiles) {
            const int rows = length - i * kKeys, stride = batch.qkv_width;
            const Bf16* source = keys + static_cast<std::int64_t>(i) * kKeys * stride;
            key_tile(i).template load_async<kKeys, kThreads>(source, stride, rows, batch.head_dim);
            value_tile(i).template load_async<kKeys, kThreads>(source + batch.kv_width, stride,
                                                               rows, batch.head_dim);
        }
        commit_copies();
    }
};

// Scores become p = exp(scale · score − lse), and products dout · v become p · (… − dot).
template <int kAtomCount, int kGroups>
__device__ __forceinline__ void score_gradient(float (&scores)[kAtomCount][kGroups][4],
                                               float (&products)[kAtomCount][kGroups][4],
                                               const RowStatistics<kAtomCount>& rows,
                                               float scale2) {
#pragma unroll
    for (int m = 0; m < kAtomCount; ++m) {
#pragma unroll
        for (int i = 0; i < 4 * kGroups; ++i) {
            const int half = i % 4 / 2;
            const float p = exp2_approx(fmaf(scores[m][i / 4][i % 4], scale2, -rows.lse2[m][half]));
            float& product = products[m][i / 4][i % 4];
            product = p * (product - rows.dot[m][half]);
        }
    }
}

// Grid: tiles of queries · heads; the last tiles of a sequence, which see the most keys, come
// first.
template <int kDim>
__global__ void __launch_bounds__(kThreads, 2)
    query_gradient_kernel(Bf16* dqkv, AttentionGradient in, AttentionBatch batch) {
    constexpr int kRows = 16 * kAtoms<kDim>;
    const int block = static_cast<int>(gridDim.x - 1 - blockIdx.x);
    const SequenceTile<kQueries<kDim>> place(batch, block / batch.heads);
    if (place.idle()) return;
    const int head = block % batch.heads;
    const int query0 = place.begin, length = place.length;
    const std::int64_t first = place.first;
    const std::int64_t stride = batch.qkv_width;
    const Bf16* rows = in.qkv + first * stride;
    const int kv_head = head / batch.group();
    const int column = head * batch.head_dim;
    const int left = place.left();

    Tile<kDim> queries(shared_memory());
    Tile<kDim> grads(shared_memory() + kQueries<kDim> * kDim * 2);
    queries.template load_async<kQueries<kDim>, kThreads>(rows + query0 * stride + column,
                                                          batch.qkv_width, left, batch.head_dim);
    grads.template load_async<kQueries<kDim>, kThreads>(
        in.dout + (first + query0) * batch.query_width + column, batch.query_width, left,
        batch.head_dim);
    const KeyValuePairs<kDim> pairs{shared_memory() + 2 * kQueries<kDim> * kDim * 2,
                                    rows + batch.key_column(kv_head), batch, length,
                                    (min(query0 + kQueries<kDim>, length) + kKeys - 1) / kKeys};
    for (int i = 0; i < kStages - 1; ++i) pairs.load(i);

    const int warp_row = static_cast<int>(threadIdx.x / 32) * kRows;
    const int warp_query = query0 + warp_row;
    const std::int64_t head_row = (first + warp_query) * batch.heads + head;
    const RowStatistics<kAtoms<kDim>> statistics(in.lse + head_row, in.dot + head_row, batch.heads,
                                                 length - warp_query);
    float sum[kAtoms<kDim>][kDim / 8][4] = {};
    for (int tile = 0; tile < pairs.tiles; ++tile) {
        wait_copies<kStages - 2>();
        __syncthreads();
        pairs.load(tile + kStages - 1);
        const int key0 = tile * kKeys;
        if (key0 >= warp_query + kRows || warp_query >= length) continue;
        float scores[kAtoms<kDim>][kKeys / 8][4] = {};
        float products[kAtoms<kDim>][kKeys / 8][4] = {};
        const Tile<kDim> keys = pairs.key_tile(tile);
        add_product(scores, queries, static_cast<unsigned>(warp_row), keys);
        if (key0 + kKeys - 1 > warp_query) mask_later_keys<false>(scores, warp_query, key0);
        add_product(products, grads, static_cast<unsigned>(warp_row), pairs.value_tile(tile));
        score_gradient(scores, products, statistics, batch.scale * kLog2E);
        add_product(sum, Operand(products), keys, 0);
    }

    scale_sum(sum, batch.scale);
    // Each warp read only its own queries; their place now takes its own rows of the result.
    __syncwarp();
    queries.put(sum, static_cast<unsigned>(warp_row), 0);
    __syncthreads();
    queries.template store<kQueries<kDim>, kThreads>(dqkv + (first + query0) * stride + column,
                                                     stride, left, batch.head_dim);
}

}  // namespace

void query_gradient(Bf16* dqkv, const AttentionGradient& inputs, const PackedSequences& sequences,
                    const HeadShape& shape, cudaStream_t stream) {
    with_compiled_dim(shape.head_dim, [&](auto dim) {
        constexpr int kDim = decltype(dim)::value;
        const auto grid = static_cast<unsigned>(tiles_of(sequences, kQueries<kDim>) * shape.heads);
        launch(query_gradient_kernel<kDim>, dim3(grid), dim3(kThreads), kSharedBytes<kDim>, stream,
               dqkv, inputs, AttentionBatch(sequences, shape));
    });
}

}  // namespace r1::cuda
