// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/cuda/cached_case.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

namespace r1::test {

namespace {

template <class T>
std::vector<T> nan_bytes(std::size_t count) {
    std::vector<T> values(count);
    std::memset(static_cast<void*>(values.data()), 0xFF, count * sizeof(T));
    return values;
}

template <class T>
constexpr double kUnit = std::is_same_v<T, Bf16> ? 0x1p-8 : 0x1p-24;
constexpr double kFloatUnit = 0x1p-24;
// Of a power of two: 2 units in the last place, and the rounding of its argument (see below).
constexpr double kExp2Error = 0x1p-22;

}  // namespace

std::uint32_t fresh_seed() {
    static std::uint32_t next = [] {
        const std::uint32_t first = std::random_device{}();
        std::printf("seed %u\n", first);
        return first;
    }();
    return next++;
}

template <class T>
CachedCase<T>::CachedCase(const HeadShape& heads, std::int32_t tokens,
                          const std::vector<std::int32_t>& at, std::uint32_t seed, double scale,
                          std::int32_t stride)
    : shape(heads), page_tokens(tokens), table_stride(stride), positions(at) {
    if (table_stride == 0)
        table_stride = *std::max_element(positions.begin(), positions.end()) / page_tokens + 1;
    std::mt19937 random(seed + 1);  // the first row's values are the same for any number of rows
    std::uniform_real_distribution<float> uniform(-1, 1);
    const auto fill = [&](T* to, std::int32_t count, double largest) {
        for (std::int32_t i = 0; i < count; ++i)
            to[i] = static_cast<T>(uniform(random) * static_cast<float>(largest));
    };
    const auto pages = positions.size() * static_cast<std::size_t>(table_stride) + 1;
    std::vector<std::int32_t> order(pages);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin() + 1, order.end(), std::mt19937(seed));
    tables.assign(order.begin() + 1, order.end());
    const auto kv_width = static_cast<std::size_t>(shape.kv_width());
    keys = values = nan_bytes<T>(pages * static_cast<std::size_t>(page_tokens) * kv_width);
    qkv = nan_bytes<T>(positions.size() * static_cast<std::size_t>(shape.qkv_width()));
    for (std::size_t row = 0; row < positions.size(); ++row) {
        T* const mine = qkv.data() + row * static_cast<std::size_t>(shape.qkv_width());
        fill(mine, shape.query_width(), scale);
        fill(mine + shape.query_width(), 2 * shape.kv_width(), 1);
        if (is_idle(row)) continue;
        for (std::int32_t t = 0; t <= positions[row]; ++t) {
            fill(keys.data() + cache_row(row, t) * kv_width, shape.kv_width(), scale);
            fill(values.data() + cache_row(row, t) * kv_width, shape.kv_width(), 1);
        }
    }
    compute();
}

template <class T>
void CachedCase<T>::let_rows_share_the_last_sequence() {
    const auto stride = static_cast<std::size_t>(table_stride);
    for (std::size_t row = 0; row + 1 < positions.size(); ++row)
        std::copy_n(tables.end() - table_stride, stride, tables.data() + row * stride);
    compute();
}

template <class T>
std::vector<T> CachedCase<T>::stored(const std::vector<T>& before, std::int32_t skip) const {
    std::vector<T> after = before;
    const auto kv_width = static_cast<std::size_t>(shape.kv_width());
    for (std::size_t row = 0; row < positions.size(); ++row) {
        if (is_idle(row)) continue;
        const T* from = qkv.data() + row * static_cast<std::size_t>(shape.qkv_width()) +
                        shape.query_width() + skip;
        std::copy_n(from, kv_width, after.data() + cache_row(row, positions[row]) * kv_width);
    }
    return after;
}

template <class T>
bool CachedCase<T>::is_idle(std::size_t row) const {
    return positions[row] < 0 || positions[row] >= table_stride * page_tokens;
}

template <class T>
std::size_t CachedCase<T>::cache_row(std::size_t row, std::int32_t position) const {
    const auto entry = row * static_cast<std::size_t>(table_stride) +
                       static_cast<std::size_t>(position / page_tokens);
    return static_cast<std::size_t>(tables[entry] * page_tokens + position % page_tokens);
}

template <class T>
std::size_t CachedCase<T>::cache_at(std::size_t row, std::int32_t position,
                                    std::int32_t head) const {
    return cache_row(row, position) * static_cast<std::size_t>(shape.kv_width()) +
           static_cast<std::size_t>(head / (shape.heads / shape.kv_heads) * shape.head_dim);
}

template <class T>
struct CachedCase<T>::Scores {
    std::vector<double> of;
    double error = 0;  ///< the largest of a sum of products
    double largest = -INFINITY;
    double farthest = 0;  ///< from zero
};

template <class T>
typename CachedCase<T>::Scores CachedCase<T>::scores(std::size_t row, std::int32_t head) const {
    const auto dim = static_cast<std::size_t>(shape.head_dim);
    const double scale = 1 / std::sqrt(static_cast<double>(dim));
    const T* query = qkv.data() + row * static_cast<std::size_t>(shape.qkv_width()) +
                     static_cast<std::size_t>(head) * dim;
    Scores scores;
    for (std::int32_t t = 0; t <= positions[row]; ++t) {
        const T* key = keys.data() + cache_at(row, t, head);
        double sum = 0, absolute = 0;
        for (std::size_t d = 0; d < dim; ++d) {
            const double term = static_cast<double>(query[d]) * static_cast<double>(key[d]);
            sum += term;
            absolute += std::abs(term);
        }
        scores.of.push_back(sum * scale);
        scores.error =
            std::max(scores.error, 2 * static_cast<double>(dim) * kFloatUnit * absolute * scale);
        scores.largest = std::max(scores.largest, sum * scale);
        scores.farthest = std::max(scores.farthest, std::abs(sum * scale));
    }
    return scores;
}

template <class T>
void CachedCase<T>::compute() {
    wanted.assign(positions.size() * static_cast<std::size_t>(shape.query_width()), 0);
    bound = wanted;
    for (std::size_t row = 0; row < positions.size(); ++row) {
        for (std::int32_t head = 0; head < shape.heads && !is_idle(row); ++head)
            compute_head(row, head);
    }
}

// A sum of n terms in float is off by at most 2 n v times the sum of their absolute values, v being
// float's unit roundoff: a tensor core may cut where others round. A score s is off by what its sum
// is, and by the roundings of the scale, of its product and of s - maximum: 4 v (|s| + largest
// |s|). A weight is off, as a part of itself, by the error of its score, by that of the power of
// two, and by one more power of two for each time it is rescaled: at most once for 16 tokens of its
// warp, 4 times for a run of 128, and once for each run. Weights are rounded to T for the product
// with the values, but not for their sum; the result is rounded to T. What is left out are products
// of two errors: 2^-6 of the bound is more.
template <class T>
void CachedCase<T>::compute_head(std::size_t row, std::int32_t head) {
    const auto dim = static_cast<std::size_t>(shape.head_dim);
    const Scores scores = this->scores(row, head);
    const double n = positions[row] + 1;
    const double rescalings = std::ceil(n / 16) + 5 * std::ceil(n / 128) + 2;
    const double weight_error = scores.error + 8 * kFloatUnit * scores.farthest +
                                rescalings * (kExp2Error + 2 * kFloatUnit * scores.farthest);
    const double sum_error = weight_error + 2 * n * kFloatUnit;
    std::vector<double> weights;
    for (const double score : scores.of) weights.push_back(std::exp(score - scores.largest));
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t d = 0; d < dim; ++d) {
        double sum = 0, absolute = 0;
        for (std::int32_t t = 0; t <= positions[row]; ++t) {
            const double term = weights[static_cast<std::size_t>(t)] / total *
                                static_cast<double>(values[cache_at(row, t, head) + d]);
            sum += term;
            absolute += std::abs(term);
        }
        const auto at = row * static_cast<std::size_t>(shape.query_width()) +
                        static_cast<std::size_t>(head) * dim + d;
        wanted[at] = sum;
        bound[at] = (1 + 0x1p-6) * (absolute + std::abs(sum)) * (sum_error + kUnit<T>);
    }
}

template class CachedCase<Bf16>;
template class CachedCase<float>;

}  // namespace r1::test
