// SPDX-License-Identifier: Apache-2.0
// Attention over a paged key/value cache (Kwon et al. 2023).
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/reference/attention.h"

namespace r1::reference {

/// Where the key or value of token `position` of row `row`'s sequence begins in the cache.
template <class T>
std::int64_t cache_offset(const PagedCache<T>& cache, const CachedRows& rows, std::int64_t row,
                          std::int32_t position, const HeadShape& shape) {
    const std::int64_t page = rows.tables[row * rows.table_stride + position / cache.page_tokens];
    return (page * cache.page_tokens + position % cache.page_tokens) * shape.kv_width();
}

template <class T>
void cache_store(const PagedCache<T>& cache, const T* qkv, const CachedRows& rows,
                 const HeadShape& shape) {
    for (std::int64_t i = 0; i < rows.rows; ++i) {
        const std::int64_t to = cache_offset(cache, rows, i, rows.positions[i], shape);
        const T* key = qkv + i * shape.qkv_width() + shape.query_width();
        std::copy_n(key, shape.kv_width(), cache.keys + to);
        std::copy_n(key + shape.kv_width(), shape.kv_width(), cache.values + to);
    }
}

template <class T>
void attention_cached(T* out, const T* qkv, const PagedCache<T>& cache, const CachedRows& rows,
                      const HeadShape& shape) {
    const std::int32_t dim = shape.head_dim;
    for (std::int64_t i = 0; i < rows.rows; ++i) {
        for (std::int32_t h = 0; h < shape.heads; ++h) {
            const std::int64_t kv = h / (shape.heads / shape.kv_heads) * dim;
            const auto at = [&](std::int32_t t) {
                return cache_offset(cache, rows, i, t, shape) + kv;
            };
            attend(
                out + i * shape.query_width() + h * dim, qkv + i * shape.qkv_width() + h * dim,
                rows.positions[i] + 1, [&](std::int32_t t) { return cache.keys + at(t); },
                [&](std::int32_t t) { return cache.values + at(t); }, shape);
        }
    }
}

}  // namespace r1::reference
