// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cpu/simd.h"

namespace r1::cpu {
inline namespace R1_ISA {

using LaneNumbers = std::make_integer_sequence<int, kLanes>;

template <int S, int... P>
inline Vec low_blocks(Vec a, Vec b, std::integer_sequence<int, P...>) {
    return __builtin_shufflevector(a, b, ((P & S) == 0 ? P : kLanes + P - S)...);
}
template <int S, int... P>
inline Vec high_blocks(Vec a, Vec b, std::integer_sequence<int, P...>) {
    return __builtin_shufflevector(a, b, ((P & S) == 0 ? P + S : kLanes + P)...);
}

/// Transposes a square of kLanes rows: at each level blocks of S lanes change places.
template <int S = kLanes / 2>
inline void transpose(Vec (&rows)[kLanes]) {
    for (int i = 0; i < kLanes; ++i) {
        if ((i & S) != 0) continue;
        const Vec a = rows[i], b = rows[i + S];
        rows[i] = low_blocks<S>(a, b, LaneNumbers{});
        rows[i + S] = high_blocks<S>(a, b, LaneNumbers{});
    }
    if constexpr (S > 1) transpose<S / 2>(rows);
}

template <int L, int... P>
inline Vec low_halves(Vec a, Vec b, std::integer_sequence<int, P...>) {
    constexpr int kHalf = L / 2;
    return __builtin_shufflevector(a, b, (P / kHalf * L + P % kHalf)...);
}
template <int L, int... P>
inline Vec high_halves(Vec a, Vec b, std::integer_sequence<int, P...>) {
    constexpr int kHalf = L / 2;
    return __builtin_shufflevector(a, b, (P / kHalf * L + P % kHalf + kHalf)...);
}

/// Lane i of the result is the sum of the lanes of rows[i], in the same order for every row.
template <int L = kLanes>
inline Vec sum_each(const Vec* rows) {
    if constexpr (L == 1) {
        return rows[0];
    } else {
        constexpr int kPairs = L / 2;
        Vec halves[kPairs];
        for (int i = 0; i < kPairs; ++i) {
            const Vec a = rows[2 * i], b = rows[2 * i + 1];
            halves[i] = low_halves<L>(a, b, LaneNumbers{}) + high_halves<L>(a, b, LaneNumbers{});
        }
        return sum_each<kPairs>(halves);
    }
}

}  // namespace R1_ISA
}  // namespace r1::cpu
