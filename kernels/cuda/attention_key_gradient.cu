// SPDX-License-Identifier: Apache-2.0
// dv = sum of p · dout and dk = scale · sum of ds · q, over the queries of all heads that share the
// key (Dao et al. 2022, appendix B.2). A block keeps a tile of keys and values; queries and their
// output gradients stream by, head after head. Scores are computed transposed: keys are the rows,
// so that a warp's probabilities are at once its operand of the next product.
#include "kernels/cuda/attention_gradient.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/tile_product.cuh"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kThreads = 32 * kWarps;
constexpr int kStages = 2;

// Warps that share 16 keys, each with its part of the columns: with 256 columns the two sums of one
// warp would not fit the registers.
template <int kDim>
constexpr int kSharers = kDim <= 128 ? 1 : 2;
template <int kDim>
constexpr int kKeys = 16 * kWarps / kSharers<kDim>;
template <int kDim>
constexpr int kQueries = kDim <= 128 ? 64 : 32;
// A stage: queries, their output gradients, lse and dot.
template <int kDim>
constexpr int kTileBytes = kQueries<kDim>* kDim * 2;
template <int kDim>
constexpr int kStageBytes = 2 * kTileBytes<kDim> + 2 * 4 * kQueries<kDim>;
template <int kDim>
constexpr int kSharedBytes = 2 * kKeys<kDim>* kDim * 2 + kStages* kStageBytes<kDim>;

template <int kDim>
struct QueryRing {
    unsigned char* memory;
    const AttentionGradient& in;
    const AttentionBatch& batch;
    std::int64_t first;
    int length;
    int first_head;
    int heads;
    int first_tile;
    int tiles;  // a head

    __device__ unsigned char* stage(int step) const {
        return memory + step % kStages * kStageBytes<kDim>;
    }
    __device__ Tile<kDim> queries(int step) const { return Tile<kDim>(stage(step)); }
    __device__ Tile<kDim> grads(int step) const {
        return Tile<kDim>(stage(step) + kTileBytes<kDim>);
    }
    __device__ float* lse(int step) const {
        return reinterpret_cast<float*>(stage(step) + 2 * kTileBytes<kDim>);
    }
    __device__ float* dot(int step) const { return lse(step) + kQueries<kDim>; }
    __device__ int query(int step) const { return (first_tile + step % tiles) * kQueries<kDim>; }
    __device__ int steps() const { return heads * tiles; }

    // Rows beyond the sequence become zero: their p is 1, but what it is multiplied by is zero.
    __device__ void load(int step) const {
        if (step < steps()) {
            const int head = first_head + step / tiles;
            const std::int64_t row = first + query(step);
            const int rows = length - query(step);
            queries(step).template load_async<kQueries<kDim>, kThreads>(
                in.qkv + row * batch.qkv_width + head * batch.head_dim, batch.qkv_width, rows,
                batch.head_dim);
            grads(step).template load_async<kQueries<kDim>, kThreads>(
                in.dout + row * batch.query_width + head * batch.head_dim, batch.query_width, rows,
                batch.head_dim);
            load_statistics(step, row * batch.heads + head, rows);
        }
        commit_copies();
    }

    __device__ void load_statistics(int step, std::int64_t at, int rows) const {
        const int i = static_cast<int>(threadIdx.x);
        if (i >= kQueries<kDim>) return;
        const std::int64_t from = i < rows ? at + static_cast<std::int64_t>(i) * batch.heads : at;
        copy_async_4(shared_address(lse(step) + i), in.lse + from, i < rows);
        copy_async_4(shared_address(dot(step) + i), in.dot + from, i < rows);
    }
};

// Scores become p = exp(scale · score − lse).
template <int kGroups>
__device__ __forceinline__ void probabilities(float (&scores)[1][kGroups][4], const float* lse,
                                              float scale2) {
    const unsigned column = threadIdx.x % 4 * 2;
#pragma unroll
    for (int n = 0; n < kGroups; ++n) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
            const float shift = lse[8 * n + column + e % 2] * kLog2E;
            scores[0][n][e] = exp2_approx(fmaf(scores[0][n][e], scale2, -shift));
        }
    }
}

// Products v · dout become ds = p · (… − dot).
template <int kGroups>
__device__ __forceinline__ void score_gradient(float (&products)[1][kGroups][4],
                                               const float (&p)[1][kGroups][4], const float* dot) {
    const unsigned column = threadIdx.x % 4 * 2;
#pragma unroll
    for (int n = 0; n < kGroups; ++n) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
            products[0][n][e] = p[0][n][e] * (products[0][n][e] - dot[8 * n + column + e % 2]);
        }
    }
}

// The two sums of one warp: 16 keys, and its part of the columns.
template <int kDim>
struct KeyValueSums {
    static constexpr int kColumns = kDim / kSharers<kDim>;
    float key[1][kColumns / 8][4] = {};
    float value[1][kColumns / 8][4] = {};

    __device__ __forceinline__ void add(const QueryRing<kDim>& ring, int step,
                                        const Tile<kDim>& keys, const Tile<kDim>& values, int key0,
                                        unsigned row, unsigned chunk) {
        constexpr int kGroups = kQueries<kDim> / 8;
        const int query0 = ring.query(step);
        const Tile<kDim> queries = ring.queries(step);
        const Tile<kDim> grads = ring.grads(step);
        float p[1][kGroups][4] = {};
        add_product(p, keys, row, queries);
        if (query0 < key0 + 15) mask_later_keys<true>(p, key0, query0);
        probabilities(p, ring.lse(step), ring.batch.scale * kLog2E);
        add_product(value, Operand(p), grads, chunk);
        float ds[1][kGroups][4] = {};
        add_product(ds, values, row, grads);
        score_gradient(ds, p, ring.dot(step));
        add_product(key, Operand(ds), queries, chunk);
    }
};

// Where the sums go: rounded to dqkv, or with several parts to `partial`, which is
// [parts, rows, 2 · kv_width].
struct KeyValueTarget {
    Bf16* dqkv;
    float* partial;
    int parts;
    int rows;
};

// Writes this warp's sums to the rows of a part.
template <int kGroups>
__device__ void write_partial(float* target, std::int64_t stride, const float (&sum)[1][kGroups][4],
                              int rows, int columns) {
    const int lane = static_cast<int>(threadIdx.x % 32);
#pragma unroll
    for (int n = 0; n < kGroups; ++n) {
        const int column = 8 * n + 2 * (lane % 4);
        if (column >= columns) return;
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int row = lane / 4 + 8 * half;
            if (row >= rows) continue;
            *reinterpret_cast<float2*>(target + row * stride + column) =
                make_float2(sum[0][n][2 * half], sum[0][n][2 * half + 1]);
        }
    }
}

// Writes the sums of a warp's keys, from `row` of the tile and column 8 · chunk on. Rounded sums go
// by way of the block's own keys and values, which nobody needs any more.
template <int kDim>
__device__ __forceinline__ void write_sums(const KeyValueTarget& target,
                                           const AttentionBatch& batch,
                                           const SequenceTile<kKeys<kDim>>& tile, int group,
                                           Tile<kDim>& keys, Tile<kDim>& values,
                                           const KeyValueSums<kDim>& sums, unsigned row,
                                           unsigned chunk) {
    const std::int64_t first_key = tile.first + tile.begin;
    const int left = tile.left(), kv_head = group / target.parts;
    if (target.parts > 1) {
        const int column = static_cast<int>(8 * chunk), rows = left - static_cast<int>(row);
        const int width = 2 * batch.kv_width, columns = batch.head_dim - column;
        const std::int64_t at =
            group % target.parts * static_cast<std::int64_t>(target.rows) + first_key + row;
        float* to = target.partial + at * width + kv_head * batch.head_dim + column;
        write_partial(to, width, sums.key, rows, columns);
        write_partial(to + batch.kv_width, width, sums.value, rows, columns);
        return;
    }
    __syncthreads();
    keys.put(sums.key, row, chunk);
    values.put(sums.value, row, chunk);
    __syncthreads();
    Bf16* to = target.dqkv + first_key * batch.qkv_width + batch.key_column(kv_head);
    keys.template store<kKeys<kDim>, kThreads>(to, batch.qkv_width, left, batch.head_dim);
    values.template store<kKeys<kDim>, kThreads>(to + batch.kv_width, batch.qkv_width, left,
                                                 batch.head_dim);
}

// Grid: tiles of keys · key heads · parts; the first tiles of a sequence, which most queries see,
// come first. A group is a part of the query heads of one key head.
template <int kDim>
__global__ void __launch_bounds__(kThreads, 1)
    key_value_gradient_kernel(KeyValueTarget target, AttentionGradient in, AttentionBatch batch) {
    const int groups = batch.kv_heads * target.parts;
    const SequenceTile<kKeys<kDim>> tile(batch, static_cast<int>(blockIdx.x) / groups);
    if (tile.idle()) return;
    const int group = static_cast<int>(blockIdx.x) % groups;
    const int kv_head = group / target.parts;
    const Bf16* rows = in.qkv + (tile.first + tile.begin) * batch.qkv_width;
    Tile<kDim> keys(shared_memory());
    Tile<kDim> values(shared_memory() + kKeys<kDim> * kDim * 2);
    keys.template load_async<kKeys<kDim>, kThreads>(rows + batch.key_column(kv_head),
                                                    batch.qkv_width, tile.left(), batch.head_dim);
    values.template load_async<kKeys<kDim>, kThreads>(rows + batch.value_column(kv_head),
                                                      batch.qkv_width, tile.left(), batch.head_dim);
    const int heads = batch.group() / target.parts;
    const int first_tile = tile.begin / kQueries<kDim>;
    const QueryRing<kDim> ring{shared_memory() + 2 * kKeys<kDim> * kDim * 2,
                               in,
                               batch,
                               tile.first,
                               tile.length,
                               group * heads,
                               heads,
                               first_tile,
                               (tile.length + kQueries<kDim> - 1) / kQueries<kDim> - first_tile};
    for (int i = 0; i < kStages - 1; ++i) ring.load(i);

    const unsigned warp = threadIdx.x / 32;
    const unsigned row = warp / kSharers<kDim> * 16;
    const unsigned chunk = warp % kSharers<kDim> * (kDim / kSharers<kDim> / 8);
    const int warp_key = tile.begin + static_cast<int>(row);
    KeyValueSums<kDim> sums;
    for (int step = 0; step < ring.steps(); ++step) {
        wait_copies<kStages - 2>();
        __syncthreads();
        ring.load(step + kStages - 1);
        if (ring.query(step) + kQueries<kDim> <= warp_key || warp_key >= tile.length) continue;
        sums.add(ring, step, keys, values, warp_key, row, chunk);
    }
    scale_sum(sums.key, batch.scale);
    write_sums(target, batch, tile, group, keys, values, sums, row, chunk);
}

// The k and v columns of dqkv, 8 a thread: the sum of the parts, in their order.
__global__ void add_parts_kernel(KeyValueTarget target, AttentionBatch batch) {
    const int chunks = 2 * batch.kv_width / 8;
    const std::int64_t item = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    const std::int64_t count = static_cast<std::int64_t>(target.rows) * chunks;
    if (item >= count) return;
    Lanes<8> sum = load<8>(target.partial + 8 * item);
    for (int part = 1; part < target.parts; ++part) {
        const Lanes<8> next = load<8>(target.partial + 8 * (part * count + item));
#pragma unroll
        for (int i = 0; i < 8; ++i) sum.v[i] += next.v[i];
    }
    store<8>(target.dqkv + item / chunks * batch.qkv_width + batch.query_width + item % chunks * 8,
             sum);
}

// Enough blocks for the multiprocessors of any GPU to share them evenly; a number that does not
// depend on the GPU, so that the order of the sums does not.
constexpr int kWantedBlocks = 512;

int parts_for(int blocks, int group) {
    for (int parts = 1; parts < group; ++parts) {
        if (group % parts == 0 && blocks * parts >= kWantedBlocks) return parts;
    }
    return group;
}

}  // namespace

void key_value_gradient(Bf16* dqkv, const AttentionGradient& inputs,
                        const PackedSequences& sequences, const HeadShape& shape, Scratch& scratch,
                        cudaStream_t stream) {
    const AttentionBatch batch(sequences, shape);
    with_compiled_dim(shape.head_dim, [&](auto dim) {
        constexpr int kDim = decltype(dim)::value;
        const int blocks = tiles_of(sequences, kKeys<kDim>) * shape.kv_heads;
        const int parts = parts_for(blocks, shape.heads / shape.kv_heads);
        KeyValueTarget target{dqkv, nullptr, parts, sequences.rows};
        const auto values = static_cast<std::size_t>(sequences.rows) *
                            static_cast<std::size_t>(2 * shape.kv_width());
        if (parts > 1)
            target.partial = static_cast<float*>(
                scratch.reserve(static_cast<std::size_t>(parts) * values * sizeof(float)));
        launch(key_value_gradient_kernel<kDim>, dim3(static_cast<unsigned>(blocks * parts)),
               dim3(kThreads), kSharedBytes<kDim>, stream, target, inputs, batch);
        const auto chunks = static_cast<unsigned>(values / 8);
        if (parts > 1)
            launch(add_parts_kernel, dim3((chunks + kThreads - 1) / kThreads), dim3(kThreads), 0,
                   stream, target, batch);
    });
}

}  // namespace r1::cuda
