// SPDX-License-Identifier: Apache-2.0
// The attention of one query, shared by packed and cached attention so that both give the same
// bits. The keys of a query are taken in blocks of absolute positions; a key's score depends on the
// query and that key alone. `key(t)` and `value(t)` point at `dim` floats; Dim is an integer or, so
// that the loops unroll, a std::integral_constant.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "kernels/cpu/transcendental.h"
#include "kernels/cpu/transpose.h"

namespace r1::cpu {
inline namespace R1_ISA {

/// Buffers indexed by key hold this many floats, so that the last block can be written whole.
inline std::int64_t padded(std::int64_t count) {
    return (count + kLanes - 1) / kLanes * kLanes;
}

template <class Dim>
inline Vec dot_lanes(const float* a, const float* b, Dim dim) {
    Vec products{};
    for_lanes(dim, [&](std::int64_t d, auto lanes) {
        products = fma(load(a + d, lanes), load(b + d, lanes), products);
    });
    return products;
}

/// scores[t] = scale · query · key(t). Scores of the padding are `padding`.
template <class Dim, class Key>
inline void score_keys(float* scores, const float* query, std::int64_t count, Key key, Dim dim,
                       float scale, float padding) {
    std::int64_t t = 0;
    Vec products[kLanes];
    for (; t + kLanes <= count; t += kLanes) {
        for (int u = 0; u < kLanes; ++u) products[u] = dot_lanes(query, key(t + u), dim);
        store(scores + t, sum_each(products) * scale);
    }
    if (t == count) return;
    for (int u = 0; u < kLanes; ++u) {
        products[u] = t + u < count ? dot_lanes(query, key(t + u), dim) : Vec{};
    }
    store(scores + t, sum_each(products) * scale);
    for (std::int64_t end = padded(count); count < end; ++count) scores[count] = padding;
}

template <int Width, class Value, class Lanes>
inline void weighted_columns(float* out, const float* weights, std::int64_t count, Value value,
                             std::int64_t d, float factor, Lanes lanes) {
    constexpr int kChains = 4;  // chain u sums the positions t with t mod 4 = u
    Vec sums[kChains][Width] = {};
    const auto add_key = [&](std::int64_t t, int chain) {
        const Vec weight = fill(weights[t]);
        const float* row = value(t) + d;
        for (int c = 0; c < Width; ++c) {
            sums[chain][c] = fma(weight, load(row + c * kLanes, lanes), sums[chain][c]);
        }
    };
    std::int64_t t = 0;
    for (; t + kChains <= count; t += kChains) {
        for (int u = 0; u < kChains; ++u) add_key(t + u, u);
    }
    for (int u = 0; u < kChains - 1; ++u) {
        if (t + u < count) add_key(t + u, u);
    }
    for (int c = 0; c < Width; ++c) {
        const Vec total = (sums[0][c] + sums[1][c]) + (sums[2][c] + sums[3][c]);
        store(out + d + c * kLanes, total * factor, lanes);
    }
}

/// out = factor · Σ_t weights[t] · value(t).
template <class Dim, class Value>
inline void weighted_sum(float* out, const float* weights, std::int64_t count, Value value, Dim dim,
                         float factor) {
    std::int64_t d = 0;
    for (; d + 2 * kLanes <= dim; d += 2 * kLanes) {
        weighted_columns<2>(out, weights, count, value, d, factor, Full{});
    }
    for_lanes(dim - d, [&](std::int64_t rest, auto lanes) {
        weighted_columns<1>(out, weights, count, value, d + rest, factor, lanes);
    });
}

/// Softmax attention of one query over `count` keys; returns log-sum-exp. `scores` is scratch.
template <class Dim, class Key, class Value>
inline float attend(float* out, const float* query, std::int64_t count, Key key, Value value,
                    Dim dim, float scale, float* scores) {
    score_keys(scores, query, count, key, dim, scale, -INFINITY);
    Vec most = load(scores);
    for (std::int64_t t = kLanes; t < count; t += kLanes) most = at_least(load(scores + t), most);
    const float top = largest(most);
    Vec sums{};
    for (std::int64_t t = 0; t < count; t += kLanes) {
        const Vec p = exponential(load(scores + t) - top);
        store(scores + t, p);
        sums += p;
    }
    const float total = sum(sums);
    weighted_sum(out, scores, count, value, dim, 1.0F / total);
    return top + std::log(total);
}

/// Calls f with head_dim as a constant where it is a common one.
template <class F>
inline void with_head_dim(std::int32_t head_dim, F f) {
    switch (head_dim) {
        case 32:
            return f(std::integral_constant<int, 32>{});
        case 64:
            return f(std::integral_constant<int, 64>{});
        case 128:
            return f(std::integral_constant<int, 128>{});
        default:
            return f(head_dim);
    }
}

}  // namespace R1_ISA
}  // namespace r1::cpu
