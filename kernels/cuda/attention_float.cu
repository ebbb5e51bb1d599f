// SPDX-License-Identifier: Apache-2.0
// Attention in float: plain multiply-adds, one warp a row.
#include "kernels/cuda/attention_dot.cuh"
#include "kernels/cuda/attention_rows.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"

namespace r1::cuda {
namespace {

__device__ float warp_sum(float value) {
    for (int d = 16; d > 0; d /= 2) value += __shfl_xor_sync(0xffffffffu, value, d);
    return value;
}
__device__ float warp_max(float value) {
    for (int d = 16; d > 0; d /= 2) {
        value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, d));
    }
    return value;
}

// The rows of one block, of one of the `heads` that the grid has for each tile, and this lane's
// place.
struct Place {
    __device__ Place(const AttentionBatch& batch, int heads)
        : Place(SequenceTile<kRowWarps>(batch, static_cast<int>(blockIdx.x) / heads),
                static_cast<int>(blockIdx.x) % heads) {}
    __device__ Place(const SequenceTile<kRowWarps>& tile, int of_head)
        : head(of_head),
          first(tile.first),
          length(tile.length),
          row0(tile.begin),
          warp(static_cast<int>(threadIdx.x / 32)),
          lane(static_cast<int>(threadIdx.x % 32)),
          row(row0 + warp) {}
    int head;
    std::int64_t first;
    int length, row0, warp, lane, row;
};

// Shared memory in the order: own rows, two sets of lanes' rows, weights.
__device__ SharedRows shared_rows(int columns, int rows_before) {
    float* start = reinterpret_cast<float*>(shared_memory());
    return {start + SharedRows::floats(rows_before, columns), columns};
}

// Grid: tiles of queries · heads.
__global__ void __launch_bounds__(kRowThreads)
    forward_rows_kernel(float* out, float* lse, const float* qkv, AttentionBatch batch) {
    const Place at(batch, batch.heads);
    if (at.row0 >= at.length) return;
    const int dim = batch.head_dim;
    const std::int64_t stride = batch.qkv_width;
    const float* rows = qkv + at.first * stride;
    const int kv_head = at.head / batch.group();
    const SharedRows queries = shared_rows(dim, 0);
    const SharedRows keys = shared_rows(dim, kRowWarps);
    const SharedRows values = shared_rows(dim, kRowWarps + kLaneRows);
    float* weights = shared_rows(dim, kRowWarps + 2 * kLaneRows).values + 32 * at.warp;

    queries.load(rows + at.row0 * stride + at.head * dim, stride, at.length - at.row0, kRowWarps);
    float sum[kLaneColumns] = {};
    float largest = -INFINITY, total = 0;
    for (int key0 = 0; key0 < min(at.row0 + kRowWarps, at.length); key0 += kLaneRows) {
        __syncthreads();
        const std::int64_t start = key0 * stride;
        keys.load(rows + start + batch.key_column(kv_head), stride, at.length - key0, kLaneRows);
        values.load(rows + start + batch.value_column(kv_head), stride, at.length - key0,
                    kLaneRows);
        __syncthreads();
        if (key0 > at.row) continue;
        const float score = key0 + at.lane <= at.row
                                ? keys.dot(at.lane, queries.row(at.warp)) * batch.scale
                                : -INFINITY;
        const float next = fmaxf(largest, warp_max(score));
        const float kept = expf(largest - next), p = expf(score - next);
        largest = next;
        total = fmaf(total, kept, p);
        for (float& s : sum) s *= kept;
        weights[at.lane] = p;
        __syncwarp();
        add_weighted(sum, weights, values);
        __syncwarp();
    }
    total = warp_sum(total);
    if (at.row >= at.length) return;
    const std::int64_t row = at.first + at.row;
    write_row(out + row * batch.query_width + at.head * dim, sum, 1 / total, dim);
    if (at.lane == 0) lse[row * batch.heads + at.head] = largest + logf(total);
}

struct RowGradient {
    const float* dout;
    const float* lse;
    const float* dot;
    const float* qkv;
};

// Grid: tiles of queries · heads.
__global__ void __launch_bounds__(kRowThreads)
    query_rows_gradient_kernel(float* dqkv, RowGradient in, AttentionBatch batch) {
    const Place at(batch, batch.heads);
    if (at.row0 >= at.length) return;
    const int dim = batch.head_dim;
    const std::int64_t stride = batch.qkv_width;
    const float* rows = in.qkv + at.first * stride;
    const int kv_head = at.head / batch.group();
    const SharedRows queries = shared_rows(dim, 0);
    const SharedRows grads = shared_rows(dim, kRowWarps);
    const SharedRows keys = shared_rows(dim, 2 * kRowWarps);
    const SharedRows values = shared_rows(dim, 2 * kRowWarps + kLaneRows);
    float* weights = shared_rows(dim, 2 * kRowWarps + 2 * kLaneRows).values + 32 * at.warp;

    const int left = at.length - at.row0;
    queries.load(rows + at.row0 * stride + at.head * dim, stride, left, kRowWarps);
    grads.load(in.dout + (at.first + at.row0) * batch.query_width + at.head * dim,
               batch.query_width, left, kRowWarps);
    const std::int64_t head_row = (at.first + min(at.row, at.length - 1)) * batch.heads + at.head;
    float sum[kLaneColumns] = {};
    for (int key0 = 0; key0 < min(at.row0 + kRowWarps, at.length); key0 += kLaneRows) {
        __syncthreads();
        const std::int64_t start = key0 * stride;
        keys.load(rows + start + batch.key_column(kv_head), stride, at.length - key0, kLaneRows);
        values.load(rows + start + batch.value_column(kv_head), stride, at.length - key0,
                    kLaneRows);
        __syncthreads();
        float ds = 0;
        if (key0 + at.lane <= min(at.row, at.length - 1)) {
            const float score = keys.dot(at.lane, queries.row(at.warp)) * batch.scale;
            const float dp = values.dot(at.lane, grads.row(at.warp));
            ds = expf(score - in.lse[head_row]) * (dp - in.dot[head_row]);
        }
        weights[at.lane] = ds;
        __syncwarp();
        add_weighted(sum, weights, keys);
        __syncwarp();
    }
    if (at.row >= at.length) return;
    write_row(dqkv + (at.first + at.row) * stride + at.head * dim, sum, batch.scale, dim);
}

// The probability and the gradient of the score of a lane's query and a warp's key, for the sums.
__device__ void key_weights(float* p, float* ds, const Place& at, const RowGradient& in,
                            const AttentionBatch& batch, int head, int query0,
                            const SharedRows (&shared)[4]) {
    const int query = query0 + at.lane;
    p[at.lane] = ds[at.lane] = 0;
    if (query < at.row || query >= at.length) return;
    const std::int64_t head_row = (at.first + query) * batch.heads + head;
    const float score = shared[2].dot(at.lane, shared[0].row(at.warp)) * batch.scale;
    const float dp = shared[3].dot(at.lane, shared[1].row(at.warp));
    p[at.lane] = expf(score - in.lse[head_row]);
    ds[at.lane] = p[at.lane] * (dp - in.dot[head_row]);
}

// Grid: tiles of keys · key heads.
__global__ void __launch_bounds__(kRowThreads)
    key_rows_gradient_kernel(float* dqkv, RowGradient in, AttentionBatch batch) {
    const Place at(batch, batch.kv_heads);
    if (at.row0 >= at.length) return;
    const int dim = batch.head_dim;
    const std::int64_t stride = batch.qkv_width;
    const float* rows = in.qkv + at.first * stride;
    // Keys, values; queries, their output gradients.
    const SharedRows shared[4] = {shared_rows(dim, 0), shared_rows(dim, kRowWarps),
                                  shared_rows(dim, 2 * kRowWarps),
                                  shared_rows(dim, 2 * kRowWarps + kLaneRows)};
    float* p = shared_rows(dim, 2 * kRowWarps + 2 * kLaneRows).values + 64 * at.warp;
    float* ds = p + 32;

    const float* own = rows + at.row0 * stride;
    shared[0].load(own + batch.key_column(at.head), stride, at.length - at.row0, kRowWarps);
    shared[1].load(own + batch.value_column(at.head), stride, at.length - at.row0, kRowWarps);
    float key_sum[kLaneColumns] = {}, value_sum[kLaneColumns] = {};
    for (int h = 0; h < batch.group(); ++h) {
        const int head = at.head * batch.group() + h;
        for (int query0 = at.row0; query0 < at.length; query0 += kLaneRows) {
            __syncthreads();
            shared[2].load(rows + query0 * stride + head * dim, stride, at.length - query0,
                           kLaneRows);
            shared[3].load(in.dout + (at.first + query0) * batch.query_width + head * dim,
                           batch.query_width, at.length - query0, kLaneRows);
            __syncthreads();
            key_weights(p, ds, at, in, batch, head, query0, shared);
            __syncwarp();
            add_weighted(value_sum, p, shared[3]);
            add_weighted(key_sum, ds, shared[2]);
            __syncwarp();
        }
    }
    if (at.row >= at.length) return;
    float* target = dqkv + (at.first + at.row) * stride;
    write_row(target + batch.key_column(at.head), key_sum, batch.scale, dim);
    write_row(target + batch.value_column(at.head), value_sum, 1, dim);
}

dim3 row_grid(const PackedSequences& sequences, std::int32_t heads) {
    return dim3(static_cast<unsigned>(tiles_of(sequences, kRowWarps) * heads));
}

}  // namespace

template <>
void attention_forward(float* out, float* lse, const float* qkv, const PackedSequences& sequences,
                       const HeadShape& shape, cudaStream_t stream) {
    check_head_dim(shape.head_dim);
    if (sequences.rows == 0) return;
    launch(forward_rows_kernel, row_grid(sequences, shape.heads), dim3(kRowThreads),
           row_shared_bytes(shape.head_dim, 1, 1), stream, out, lse, qkv,
           AttentionBatch(sequences, shape));
}

template <>
void attention_backward(float* dqkv, float* dot, const float* dout, const float* out,
                        const float* lse, const float* qkv, const PackedSequences& sequences,
                        const HeadShape& shape, Scratch&, cudaStream_t stream) {
    check_head_dim(shape.head_dim);
    if (sequences.rows == 0) return;
    attention_dot(dot, dout, out, sequences.rows, shape, stream);
    const RowGradient inputs{dout, lse, dot, qkv};
    const AttentionBatch batch(sequences, shape);
    launch(query_rows_gradient_kernel, row_grid(sequences, shape.heads), dim3(kRowThreads),
           row_shared_bytes(shape.head_dim, 2, 1), stream, dqkv, inputs, batch);
    launch(key_rows_gradient_kernel, row_grid(sequences, shape.kv_heads), dim3(kRowThreads),
           row_shared_bytes(shape.head_dim, 2, 2), stream, dqkv, inputs, batch);
}

}  // namespace r1::cuda
