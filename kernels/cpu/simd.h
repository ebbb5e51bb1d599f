// SPDX-License-Identifier: Apache-2.0
// One vector register of floats, for the instruction set that this file is compiled for. Everything
// lies in an inline namespace of that name, so that the linker never mixes two instruction sets.
// The last elements of a row go through the same operations in a partly filled register, so that an
// element's bits do not depend on its place.
#pragma once

#include <cstdint>
#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#ifndef R1_ISA
#error "R1_ISA names the instruction set"
#endif

namespace r1::cpu {
inline namespace R1_ISA {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
#elif defined(__AVX2__)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif

using Vec = float __attribute__((vector_size(kLanes * 4)));
using VecBits = std::int32_t __attribute__((vector_size(kLanes * 4)));
using VecDouble = double __attribute__((vector_size(kLanes * 8)));
using UnalignedVec = float __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

/// How much of a register is used: all of it, or the first `count` lanes.
struct Full {};
struct Part {
    std::int64_t count;
};

inline Vec fill(float x) {
    return x - Vec{};
}
inline Vec load(const float* p, Full = {}) {
    return *reinterpret_cast<const UnalignedVec*>(p);
}
inline void store(float* p, Vec v, Full = {}) {
    *reinterpret_cast<UnalignedVec*>(p) = v;
}

#if defined(__AVX512F__)
inline __mmask16 mask(Part part) {
    return static_cast<__mmask16>((1U << part.count) - 1);
}
inline Vec load(const float* p, Part part) {
    return _mm512_maskz_loadu_ps(mask(part), p);
}
inline void store(float* p, Vec v, Part part) {
    _mm512_mask_storeu_ps(p, mask(part), v);
}
#elif defined(__AVX2__)
inline __m256i mask(Part part) {
    const __m256i numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(part.count)), numbers);
}
inline Vec load(const float* p, Part part) {
    return _mm256_maskload_ps(p, mask(part));
}
inline void store(float* p, Vec v, Part part) {
    _mm256_maskstore_ps(p, mask(part), v);
}
#else
inline Vec load(const float* p, Part part) {
    Vec v{};
    for (int i = 0; i < kLanes && i < part.count; ++i) v[i] = p[i];
    return v;
}
inline void store(float* p, Vec v, Part part) {
    for (int i = 0; i < kLanes && i < part.count; ++i) p[i] = v[i];
}
#endif

/// The lanes in use; 0 in the others.
inline Vec keep(Vec v, Full) {
    return v;
}
inline Vec keep(Vec v, Part part) {
    for (int i = 0; i < kLanes; ++i) v[i] = i < part.count ? v[i] : 0.0F;
    return v;
}

/// a · b + c, rounded once where the machine can.
inline Vec fma(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__)
    return _mm256_fmadd_ps(a, b, c);
#else
    return a * b + c;
#endif
}

// A NaN in `a` stays.
inline Vec at_least(Vec a, Vec low) {
    return a < low ? low : a;
}
inline Vec at_most(Vec a, Vec high) {
    return a > high ? high : a;
}

inline Vec square_root(Vec v) {
#if defined(__AVX512F__)
    return _mm512_maskz_sqrt_ps(0xFFFF, v);  // the plain form warns falsely (GCC bug 105593)
#elif defined(__AVX2__)
    return _mm256_sqrt_ps(v);
#else
    for (int i = 0; i < kLanes; ++i) v[i] = __builtin_sqrtf(v[i]);
    return v;
#endif
}

/// The sum of the lanes, halves added to halves.
inline float sum(Vec v) {
    float lanes[kLanes];
    store(lanes, v);
    for (int width = kLanes / 2; width > 0; width /= 2) {
        for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
    }
    return lanes[0];
}

inline float largest(Vec v) {
    float result = v[0];
    for (int i = 1; i < kLanes; ++i) result = v[i] > result ? v[i] : result;
    return result;
}

/// Calls f(j, lanes) for j = 0, kLanes, … below n.
template <class F>
inline void for_lanes(std::int64_t n, F f) {
    std::int64_t j = 0;
    for (; j + kLanes <= n; j += kLanes) f(j, Full{});
    if (j < n) f(j, Part{n - j});
}

}  // namespace R1_ISA
}  // namespace r1::cpu
