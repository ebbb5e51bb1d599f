// SPDX-License-Identifier: Apache-2.0
// Causal grouped-query attention (Vaswani et al. 2017, eq. 1; Ainslie et al. 2023).
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/backend.h"

namespace r1::reference {

template <class T>
T dot_product(const T* a, const T* b, std::int32_t count) {
    T sum = 0;
    for (std::int32_t d = 0; d < count; ++d) sum += a[d] * b[d];
    return sum;
}

template <class T>
T score_scale(const HeadShape& shape) {
    return static_cast<T>(1 / std::sqrt(static_cast<double>(shape.head_dim)));
}

/// One query over keys 0 … count - 1; key(t) and value(t) point at head_dim values. Returns lse.
template <class T, class Key, class Value>
T attend(T* out, const T* query, std::int32_t count, Key key, Value value, const HeadShape& shape) {
    std::vector<T> scores(static_cast<std::size_t>(count));
    T largest = -INFINITY;
    for (std::int32_t t = 0; t < count; ++t) {
        T& score = scores[static_cast<std::size_t>(t)];
        score = dot_product(query, key(t), shape.head_dim) * score_scale<T>(shape);
        largest = std::fmax(largest, score);
    }
    T sum = 0;
    for (T& score : scores) sum += score = std::exp(score - largest);
    for (std::int32_t d = 0; d < shape.head_dim; ++d) {
        T weighted = 0;
        for (std::int32_t t = 0; t < count; ++t) {
            weighted += scores[static_cast<std::size_t>(t)] * value(t)[d];
        }
        out[d] = weighted / sum;
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
void attention_forward(T* out, T* lse, const T* qkv, const PackedSequences& sequences,
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
void attention_backward(T* dqkv, T* dot, const T* dout, const T* out, const T* lse, const T* qkv,
                        const PackedSequences& sequences, const HeadShape& shape) {
    const std::int64_t width = shape.qkv_width();
    const std::int32_t dim = shape.head_dim;
    const T scale = score_scale<T>(shape);
    for (std::int64_t i = 0; i < sequences.rows * width; ++i) dqkv[i] = 0;
    for_each_row(sequences, [&](std::int64_t first, std::int64_t i) {
        for (std::int32_t h = 0; h < shape.heads; ++h) {
            const std::int64_t head_row = i * shape.heads + h;
            const T* grad = dout + i * shape.query_width() + h * dim;
            dot[head_row] = dot_product(grad, out + i * shape.query_width() + h * dim, dim);
            const std::int64_t q = i * width + h * dim;
            const std::int32_t kv = h / (shape.heads / shape.kv_heads);
            for (std::int64_t t = first; t <= i; ++t) {
                const std::int64_t k = t * width + shape.query_width() + kv * dim;
                const std::int64_t v = k + shape.kv_width();
                const T score = dot_product(qkv + q, qkv + k, dim) * scale;
                const T p = std::exp(score - lse[head_row]);
                const T ds = p * (dot_product(grad, qkv + v, dim) - dot[head_row]) * scale;
                for (std::int32_t d = 0; d < dim; ++d) {
                    dqkv[v + d] += p * grad[d];
                    dqkv[q + d] += ds * qkv[k + d];
                    dqkv[k + d] += ds * qkv[q + d];
                }
            }
        }
    });
}

}  // namespace r1::reference
