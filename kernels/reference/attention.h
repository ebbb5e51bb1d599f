// SPDX-License-Identifier: Apache-2.0
// Causal grouped-query attention (Vaswani et al. 2017, eq. 1; Ainslie et al. 2023).
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/backend.h"
#include "kernels/reference/linear.h"

namespace r1::reference {

template <class W>
W score_scale(const HeadShape& shape) {
    return static_cast<W>(1 / std::sqrt(static_cast<double>(shape.head_dim)));
}

/// One query over keys 0 … count - 1; key(t) and value(t) point at head_dim values. Returns lse.
template <class T, class Key, class Value>
Wide<T> attend(T* out, const T* query, std::int32_t count, Key key, Value value,
               const HeadShape& shape) {
    using W = Wide<T>;
    std::vector<W> scores(static_cast<std::size_t>(count));
    W largest = -INFINITY;
    for (std::int32_t t = 0; t < count; ++t) {
        W& score = scores[static_cast<std::size_t>(t)];
        score = dot_rows(query, key(t), shape.head_dim) * score_scale<W>(shape);
        largest = std::fmax(largest, score);
    }
    W sum = 0;
    for (W& score : scores) sum += score = std::exp(score - largest);
    for (std::int32_t d = 0; d < shape.head_dim; ++d) {
        W weighted = 0;
        for (std::int32_t t = 0; t < count; ++t) {
            weighted += scores[static_cast<std::size_t>(t)] * static_cast<W>(value(t)[d]);
        }
        out[d] = static_cast<T>(weighted / sum);
    }
    return largest + std::log(sum);
}

/// Calls visit(first row of the sequence, row) for every row of the batch.
template <class Visit>
void for_each_row(const PackedSequences& sequences, Visit visit) {
    for (std::int32_t s = 0; s < sequences.count; ++s) {
        const std::int64_t first = sequences.offsets[s];
        for (std::int64_t i = first; i < sequences.offsets[s + 1]; ++i) visit(first, i);
    }
}

template <class T>
void attention_forward(T* out, Wide<T>* lse, const T* qkv, const PackedSequences& sequences,
                       const HeadShape& shape) {
    const std::int64_t width = shape.qkv_width();
    for_each_row(sequences, [&](std::int64_t first, std::int64_t i) {
        for (std::int32_t h = 0; h < shape.heads; ++h) {
            const std::int32_t kv = h / (shape.heads / shape.kv_heads);
            const T* keys = qkv + first * width + shape.query_width() + kv * shape.head_dim;
            const T* values = keys + shape.kv_width();
            lse[i * shape.heads + h] = attend(
                out + i * shape.query_width() + h * shape.head_dim,
                qkv + i * width + h * shape.head_dim, static_cast<std::int32_t>(i - first + 1),
                [&](std::int32_t t) { return keys + t * width; },
                [&](std::int32_t t) { return values + t * width; }, shape);
        }
    });
}

// With p = softmax(s):  dv += p · dout,  ds = p · (dout·v − dout·out),  dq += ds · k,  dk += ds · q
// (Dao et al. 2022, appendix B.2); dout·out is the same for every key and is kept in `dot`.
template <class T>
void attention_backward(T* dqkv, Wide<T>* dot, const T* dout, const T* out, const Wide<T>* lse,
                        const T* qkv, const PackedSequences& sequences, const HeadShape& shape) {
    using W = Wide<T>;
    const std::int64_t width = shape.qkv_width();
    const std::int32_t dim = shape.head_dim;
    const W scale = score_scale<W>(shape);
    std::vector<W> sums(static_cast<std::size_t>(sequences.rows * width));
    const auto wide = [](T value) { return static_cast<W>(value); };
    for_each_row(sequences, [&](std::int64_t first, std::int64_t i) {
        for (std::int32_t h = 0; h < shape.heads; ++h) {
            const std::int64_t head_row = i * shape.heads + h;
            const T* grad = dout + i * shape.query_width() + h * dim;
            dot[head_row] = dot_rows(grad, out + i * shape.query_width() + h * dim, dim);
            const std::int64_t q = i * width + h * dim;
            const std::int32_t kv = h / (shape.heads / shape.kv_heads);
            for (std::int64_t t = first; t <= i; ++t) {
                const std::int64_t k = t * width + shape.query_width() + kv * dim;
                const std::int64_t v = k + shape.kv_width();
                const W score = dot_rows(qkv + q, qkv + k, dim) * scale;
                const W p = std::exp(score - lse[head_row]);
                const W ds = p * (dot_rows(grad, qkv + v, dim) - dot[head_row]) * scale;
                W* const dv = sums.data() + v;
                W* const dq = sums.data() + q;
                W* const dk = sums.data() + k;
                for (std::int32_t d = 0; d < dim; ++d) {
                    dv[d] += p * wide(grad[d]);
                    dq[d] += ds * wide(qkv[k + d]);
                    dk[d] += ds * wide(qkv[q + d]);
                }
            }
        }
    });
    for (std::size_t i = 0; i < sums.size(); ++i) dqkv[i] = static_cast<T>(sums[i]);
}

}  // namespace r1::reference
