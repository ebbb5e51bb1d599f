// SPDX-License-Identifier: Apache-2.0
// What an operation of a backend is told besides its arrays: plain numbers and borrowed pointers.
#pragma once

#include <cstdint>

#include "common/bfloat16.h"
#include "common/random.h"

namespace r1 {

template <class T>
struct WideOf {
    using type = T;
};
template <>
struct WideOf<Bf16> {
    using type = float;
};
/// What sums of values of type T have.
template <class T>
using Wide = typename WideOf<T>::type;

/// Where the packed sequences of a batch lie: sequence s is rows [offsets[s], offsets[s + 1]).
struct PackedSequences {
    const std::int32_t* offsets = nullptr;  ///< [count + 1], on the device
    std::int32_t count = 0;
    std::int32_t rows = 0;     ///< offsets[count]
    std::int32_t longest = 0;  ///< the longest sequence's rows
};

/// Grouped-query attention: `heads` query heads share `kv_heads` key/value heads in equal parts.
struct HeadShape {
    std::int32_t heads = 0;
    std::int32_t kv_heads = 0;
    std::int32_t head_dim = 0;
    std::int32_t query_width() const { return heads * head_dim; }
    std::int32_t kv_width() const { return kv_heads * head_dim; }
    /// Width of one row of the fused q|k|v matrix.
    std::int32_t qkv_width() const { return query_width() + 2 * kv_width(); }
};

/// A paged key/value cache of one layer. Page p holds page_tokens rows of kv_width() values.
template <class T>
struct PagedCache {
    T* keys = nullptr;    ///< [pages, page_tokens, kv_width]
    T* values = nullptr;  ///< the same
    std::int32_t page_tokens = 0;
};

/// Rows [m, width] that are normalised before they are multiplied.
template <class T>
struct NormedRows {
    const T* x = nullptr;
    const T* weight = nullptr;  ///< [width], of the norm
    std::int32_t width = 0;
    double eps = 0;
    T* normed = nullptr;      ///< room for [m, width]
    Wide<T>* rstd = nullptr;  ///< room for [m]
};

/// The rows of one cached step. Row i is token `positions[i]` of the sequence whose pages are
/// tables[i * table_stride + 0 …]. Several rows may belong to one sequence.
struct CachedRows {
    const std::int32_t* tables = nullptr;     ///< [rows, table_stride], page numbers, on the device
    const std::int32_t* positions = nullptr;  ///< [rows], on the device
    std::int32_t table_stride = 0;
    std::int32_t rows = 0;
};

/// The rows [first, first + count) of a table of embeddings.
struct TablePart {
    std::int32_t first = 0;
    std::int32_t count = 0;
    bool holds(std::int32_t id) const { return id >= first && id - first < count; }
};

/// How the next token is chosen from the logits of one row.
struct SamplingRule {
    double temperature = 1;  ///< 0: the most likely token
    double top_p = 1;
    std::int32_t top_k = 0;  ///< 0: all
};

/// Row i draws its number at philox(counters[i], key)[0].
struct SamplingNumbers {
    PhiloxKey key{};
    const PhiloxCounter* counters = nullptr;  ///< [m], on the device
};

/// Sequences being decoded, one a row, all on the device. Row i feeds tokens[i] at positions[i] and
/// draws with counters[i].
struct DecodeState {
    std::int32_t* tokens = nullptr;     ///< [m]
    std::int32_t* positions = nullptr;  ///< [m]
    PhiloxCounter* counters = nullptr;  ///< [m]
    std::int32_t* turn = nullptr;       ///< [1], steps since the log was last read
};

struct AdamWStep {
    double learning_rate = 0;
    double beta1 = 0;
    double beta2 = 0;
    double epsilon = 0;
    double weight_decay = 0;    ///< decoupled: p -= lr * wd * p
    double gradient_scale = 1;  ///< the gradient is multiplied by this first (clipping)
    std::int64_t step = 1;      ///< counts from 1: bias correction
};

}  // namespace r1
