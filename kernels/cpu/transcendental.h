// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cpu/simd.h"

namespace r1::cpu {
inline namespace R1_ISA {

/// e^x within 2 ulp; 0 where the result would be subnormal; NaN stays. Cody & Waite's reduction
/// x = n ln2 + r with |r| <= ln2 / 2, then the minimax polynomial of Cephes' expf.
inline Vec exponential(Vec x) {
    constexpr float kLowest = -87.33654F;
    constexpr float kRound = 0x1.8p23F;  // adding it leaves the nearest integer in the low bits
    const Vec bounded = at_most(at_least(x, fill(kLowest)), fill(89.0F));
    const Vec shifted = fma(bounded, fill(1.44269504F), fill(kRound));
    const Vec n = shifted - kRound;
    Vec r = fma(n, fill(-0.693359375F), bounded);
    r = fma(n, fill(2.12194440e-4F), r);
    Vec p = fill(1.9875691500e-4F);
    p = fma(p, r, fill(1.3981999507e-3F));
    p = fma(p, r, fill(8.3334519073e-3F));
    p = fma(p, r, fill(4.1665795894e-2F));
    p = fma(p, r, fill(1.6666665459e-1F));
    p = fma(p, r, fill(5.0000001201e-1F));
    p = fma(p * r, r, r) + 1.0F;
    // 2^n in two factors, since n reaches 128, where the result is infinity.
    const VecBits exponent = reinterpret_cast<VecBits>(shifted) - 0x4B400000;
    const VecBits half = exponent >> 1;
    const Vec scaled = p * reinterpret_cast<Vec>((half + 127) << 23) *
                       reinterpret_cast<Vec>((exponent - half + 127) << 23);
    return x < fill(kLowest) ? Vec{} : scaled;
}

/// 1 / (1 + e^-x).
inline Vec sigmoid(Vec x) {
    return 1.0F / (1.0F + exponential(-x));
}

}  // namespace R1_ISA
}  // namespace r1::cpu
