// SPDX-License-Identifier: Apache-2.0
#include <omp.h>

#include <cstring>

#include "kernels/cpu/attention_row.h"
#include "kernels/cpu/ops.h"

namespace r1::cpu {
inline namespace R1_ISA {
namespace {

float score_scale(const HeadShape& shape) {
    return static_cast<float>(1 / std::sqrt(static_cast<double>(shape.head_dim)));
}

/// The first row of the sequence that row i belongs to.
std::int64_t first_row(const PackedSequences& sequences, std::int64_t i) {
    std::int32_t low = 0, high = sequences.count;
    while (high - low > 1) {
        const std::int32_t middle = low + (high - low) / 2;
        (sequences.offsets[middle] <= i ? low : high) = middle;
    }
    // Of empty sequences that begin at the same row, the search ends at the last: the one with i.
    return sequences.offsets[low];
}

/// A pointer to the row of position t, `stride` floats apart.
struct Strided {
    const float* first;
    std::int64_t stride;
    const float* operator()(std::int64_t t) const { return first + t * stride; }
};

/// A pointer to the row of position t of a paged cache.
struct Paged {
    const float* data;
    const std::int64_t* offsets;
    const float* operator()(std::int64_t t) const { return data + offsets[t]; }
};

/// offsets[t] = where position t's row begins in the cache, for t = 0 … last.
void find_rows(std::int64_t* offsets, const std::int32_t* pages, std::int64_t last,
               std::int64_t page_tokens, std::int64_t width) {
    for (std::int64_t t = 0; t <= last; ++pages) {
        const std::int64_t page = *pages * page_tokens;
        for (std::int64_t slot = 0; slot < page_tokens && t <= last; ++slot, ++t) {
            offsets[t] = (page + slot) * width;
        }
    }
}

/// The gradients of one query head over the keys of its sequence up to its own row.
template <class Dim>
struct BackwardHead {
    Strided keys, values;
    float* dkeys;
    float* dvalues;
    Dim dim;
    float scale;
    float* scores;  ///< scratch: p
    float* slopes;  ///< scratch: ds

    void run(float* dquery, float& dot, const float* query, const float* dout, const float* out,
             float lse, std::int64_t count) const {
        dot = sum(dot_lanes(dout, out, dim));
        score_keys(scores, query, count, keys, dim, scale, -INFINITY);
        score_keys(slopes, dout, count, values, dim, 1.0F, 0.0F);
        for (std::int64_t t = 0; t < count; t += kLanes) {
            const Vec p = exponential(load(scores + t) - lse);
            store(scores + t, p);
            store(slopes + t, p * (load(slopes + t) - dot) * scale);
        }
        weighted_sum(dquery, slopes, count, keys, dim, 1.0F);
        for (std::int64_t t = 0; t < count; ++t) {
            const Vec p = fill(scores[t]), ds = fill(slopes[t]);
            float* dkey = dkeys + t * keys.stride;
            float* dvalue = dvalues + t * keys.stride;
            for_lanes(dim, [&](std::int64_t d, auto lanes) {
                store(dkey + d, fma(ds, load(query + d, lanes), load(dkey + d, lanes)), lanes);
                store(dvalue + d, fma(p, load(dout + d, lanes), load(dvalue + d, lanes)), lanes);
            });
        }
    }
};

struct BackwardCall {
    float* dqkv;
    float* dot;
    const float* dout;
    const float* out;
    const float* lse;
    const float* qkv;
};

/// All queries of one sequence that share one key/value head.
template <class Dim>
void backward_group(const BackwardCall& call, const HeadShape& shape, std::int64_t first,
                    std::int64_t last, std::int32_t kv, Dim dim, float* scratch) {
    const std::int64_t width = shape.qkv_width(), query_width = shape.query_width();
    const std::int32_t group = shape.heads / shape.kv_heads;
    const std::int64_t key = first * width + query_width + kv * shape.head_dim;
    const std::int64_t value = key + shape.kv_width();
    for (std::int64_t t = 0; t < last - first; ++t) {
        const auto bytes = static_cast<std::size_t>(shape.head_dim) * sizeof(float);
        std::memset(call.dqkv + key + t * width, 0, bytes);
        std::memset(call.dqkv + value + t * width, 0, bytes);
    }
    const BackwardHead<Dim> head{{call.qkv + key, width},
                                 {call.qkv + value, width},
                                 call.dqkv + key,
                                 call.dqkv + value,
                                 dim,
                                 score_scale(shape),
                                 scratch,
                                 scratch + padded(last - first)};
    for (std::int64_t i = first; i < last; ++i) {
        for (std::int32_t h = kv * group; h < (kv + 1) * group; ++h) {
            const std::int64_t query = i * width + h * shape.head_dim;
            const std::int64_t output = i * query_width + h * shape.head_dim;
            const std::int64_t statistic = i * shape.heads + h;
            head.run(call.dqkv + query, call.dot[statistic], call.qkv + query, call.dout + output,
                     call.out + output, call.lse[statistic], i - first + 1);
        }
    }
}

}  // namespace

void attention_forward(float* out, float* lse, const float* qkv, const PackedSequences& sequences,
                       const HeadShape& shape, Workspace& workspace) {
    const std::int64_t width = shape.qkv_width(), query_width = shape.query_width();
    const std::int64_t room = padded(sequences.longest);
    float* scratch = workspace.scratch.floats(static_cast<std::size_t>(workspace.threads * room));
    const float scale = score_scale(shape);
    with_head_dim(shape.head_dim, [&](auto dim) {
#pragma omp parallel for num_threads(workspace.threads) \
    schedule(dynamic, 16) if (workspace.threads > 1 && sequences.rows > 32)
        for (std::int64_t i = 0; i < sequences.rows; ++i) {
            const std::int64_t first = first_row(sequences, i);
            float* scores = scratch + omp_get_thread_num() * room;
            for (std::int32_t h = 0; h < shape.heads; ++h) {
                const std::int32_t kv = h / (shape.heads / shape.kv_heads);
                const float* keys = qkv + first * width + query_width + kv * shape.head_dim;
                lse[i * shape.heads + h] = attend(
                    out + i * query_width + h * shape.head_dim,
                    qkv + i * width + h * shape.head_dim, i - first + 1, Strided{keys, width},
                    Strided{keys + shape.kv_width(), width}, dim, scale, scores);
            }
        }
    });
}

void attention_backward(float* dqkv, float* dot, const float* dout, const float* out,
                        const float* lse, const float* qkv, const PackedSequences& sequences,
                        const HeadShape& shape, Workspace& workspace) {
    const std::int64_t room = 2 * padded(sequences.longest);
    float* scratch = workspace.scratch.floats(static_cast<std::size_t>(workspace.threads * room));
    const BackwardCall call{dqkv, dot, dout, out, lse, qkv};
    const std::int32_t tasks = sequences.count * shape.kv_heads;
    with_head_dim(shape.head_dim, [&](auto dim) {
    // A task owns the gradients of its keys and values, so that the order of sums is fixed.
#pragma omp parallel for num_threads(workspace.threads) \
    schedule(dynamic) if (workspace.threads > 1 && tasks > 1 && sequences.rows > 32)
        for (std::int32_t task = 0; task < tasks; ++task) {
            const std::int32_t sequence = task / shape.kv_heads;
            backward_group(call, shape, sequences.offsets[sequence],
                           sequences.offsets[sequence + 1], task % shape.kv_heads, dim,
                           scratch + omp_get_thread_num() * room);
        }
    });
}

void cache_store(const PagedCache<float>& cache, const float* qkv, const CachedRows& rows,
                 const HeadShape& shape) {
    const std::int64_t width = shape.kv_width();
    for (std::int64_t i = 0; i < rows.rows; ++i) {
        const std::int32_t position = rows.positions[i];
        const std::int64_t page = rows.tables[i * rows.table_stride + position / cache.page_tokens];
        const std::int64_t to = (page * cache.page_tokens + position % cache.page_tokens) * width;
        const float* key = qkv + i * shape.qkv_width() + shape.query_width();
        std::memcpy(cache.keys + to, key, static_cast<std::size_t>(width) * sizeof(float));
        std::memcpy(cache.values + to, key + width,
                    static_cast<std::size_t>(width) * sizeof(float));
    }
}

void attention_cached(float* out, const float* qkv, const PagedCache<float>& cache,
                      const CachedRows& rows, const HeadShape& shape, Workspace& workspace) {
    std::int64_t longest = 0;
    for (std::int64_t i = 0; i < rows.rows; ++i) {
        longest = rows.positions[i] >= longest ? rows.positions[i] + 1 : longest;
    }
    const std::int64_t room = padded(longest);  // of each: scores, and offsets twice as wide
    float* scratch =
        workspace.scratch.floats(static_cast<std::size_t>(3 * workspace.threads * room));
    const float scale = score_scale(shape);
    with_head_dim(shape.head_dim, [&](auto dim) {
#pragma omp parallel for num_threads(workspace.threads) \
    schedule(dynamic, 4) if (workspace.threads > 1 && rows.rows > 8)
        for (std::int64_t i = 0; i < rows.rows; ++i) {
            float* scores = scratch + 3 * omp_get_thread_num() * room;
            auto* offsets = reinterpret_cast<std::int64_t*>(scores + room);
            find_rows(offsets, rows.tables + i * rows.table_stride, rows.positions[i],
                      cache.page_tokens, shape.kv_width());
            for (std::int32_t h = 0; h < shape.heads; ++h) {
                const std::int64_t kv = h / (shape.heads / shape.kv_heads) * shape.head_dim;
                attend(out + i * shape.query_width() + h * shape.head_dim,
                       qkv + i * shape.qkv_width() + h * shape.head_dim, rows.positions[i] + 1,
                       Paged{cache.keys + kv, offsets}, Paged{cache.values + kv, offsets}, dim,
                       scale, scores);
            }
        }
    });
}

}  // namespace R1_ISA
}  // namespace r1::cpu
