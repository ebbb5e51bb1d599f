// SPDX-License-Identifier: Apache-2.0
// The loop of copy_and_hash, compiled once an instruction set by the sources that include this: the
// hash inside it is xxHash's header code, so that it is compiled for the same one. Folder-private.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "checkpoint/checkpoint.h"

namespace r1 {
namespace {

/// Fits the first level of any cache several times over, and is long enough for the hash to run at
/// speed.
constexpr std::uint64_t kSliceBytes = 4096;

/// Around the cache: without reading the target's lines first, and without pushing others out. `to`
/// is aligned to 32 bytes, `bytes` a multiple of them.
inline void stream(std::byte* to, const std::byte* from, std::uint64_t bytes) {
#if defined(__AVX2__)
    for (std::uint64_t at = 0; at < bytes; at += 32)
        _mm256_stream_si256(reinterpret_cast<__m256i*>(to + at),
                            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + at)));
#elif defined(__SSE2__)
    for (std::uint64_t at = 0; at < bytes; at += 16)
        _mm_stream_si128(reinterpret_cast<__m128i*>(to + at),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at)));
#else
    std::memcpy(to, from, bytes);
#endif
}

inline void copy_slice(std::byte* to, const std::byte* from, std::uint64_t bytes) {
    const bool aligned = reinterpret_cast<std::uintptr_t>(to) % 32 == 0;
    const std::uint64_t streamed = aligned ? bytes / 32 * 32 : 0;
    stream(to, from, streamed);
    std::memcpy(to + streamed, from + streamed, bytes - streamed);
}

/// A null target: hashes alone. No function of a library with a linkage of its own is called: the
/// linker could take this compilation's for the whole program.
inline void copy_and_hash_loop(std::byte* target, const std::byte* source, std::uint64_t bytes,
                               Hash128* hashes) {
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    for (std::uint64_t begin = 0; begin < bytes; begin += kBlockBytes) {
        const std::uint64_t end = bytes - begin < kBlockBytes ? bytes : begin + kBlockBytes;
        XXH3_128bits_reset(&state);
        for (std::uint64_t at = begin; at < end; at += kSliceBytes) {
            const std::uint64_t now = end - at < kSliceBytes ? end - at : kSliceBytes;
            XXH3_128bits_update(&state, source + at, now);
            if (target != nullptr) copy_slice(target + at, source + at, now);
        }
        XXH128_canonical_t canonical;
        XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
        static_assert(sizeof canonical == sizeof(Hash128));
        std::memcpy(static_cast<void*>(hashes++), &canonical, sizeof canonical);
    }
#if defined(__SSE2__)
    _mm_sfence();  // another thread reads the target
#endif
}

}  // namespace
}  // namespace r1
