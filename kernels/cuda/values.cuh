// SPDX-License-Identifier: Apache-2.0
// Values in memory, several at a time: they are widened to float when they are loaded, and rounded
// once when they are stored.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#include "common/bfloat16.h"

namespace r1::cuda {

/// Values that a thread takes at a time where alignment allows: 16 bytes of Bf16.
inline constexpr int kLanes = 8;

template <int N>
struct Lanes {
    float v[N];
};

/// `kBytes` bytes at a time: the widest type that divides them.
template <int kBytes>
struct Word {
    using type = int4;
    static constexpr int count = kBytes / 16;
};
template <>
struct Word<8> {
    using type = int2;
    static constexpr int count = 1;
};
template <>
struct Word<4> {
    using type = unsigned;
    static constexpr int count = 1;
};
template <>
struct Word<2> {
    using type = unsigned short;
    static constexpr int count = 1;
};

/// N values as they lie in memory. The address has the alignment of the word.
template <class T, int N>
struct Packed {
    using Memory = Word<N* static_cast<int>(sizeof(T))>;
    typename Memory::type words[Memory::count];
};

template <int N, class T>
__device__ __forceinline__ Packed<T, N> load_packed(const T* from) {
    using Memory = typename Packed<T, N>::Memory;
    Packed<T, N> packed;
#pragma unroll
    for (int i = 0; i < Memory::count; ++i) {
        packed.words[i] = reinterpret_cast<const typename Memory::type*>(from)[i];
    }
    return packed;
}

template <int N, class T>
__device__ __forceinline__ void store_packed(T* to, const Packed<T, N>& packed) {
    using Memory = typename Packed<T, N>::Memory;
#pragma unroll
    for (int i = 0; i < Memory::count; ++i) {
        reinterpret_cast<typename Memory::type*>(to)[i] = packed.words[i];
    }
}

__device__ __forceinline__ float to_float(float value) {
    return value;
}
__device__ __forceinline__ float to_float(Bf16 value) {
    return __uint_as_float(static_cast<unsigned>(value.bits) << 16);
}

template <class T>
__device__ __forceinline__ T rounded(float value);
template <>
__device__ __forceinline__ float rounded<float>(float value) {
    return value;
}
template <>
__device__ __forceinline__ Bf16 rounded<Bf16>(float value) {
    Bf16 result;
    result.bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));
    return result;
}

template <int N, class T>
__device__ __forceinline__ Lanes<N> load(const T* from) {
    const Packed<T, N> packed = load_packed<N>(from);
    T values[N];
    memcpy(values, packed.words, sizeof values);
    Lanes<N> lanes;
#pragma unroll
    for (int i = 0; i < N; ++i) lanes.v[i] = to_float(values[i]);
    return lanes;
}

template <int N, class T>
__device__ __forceinline__ void store(T* to, const Lanes<N>& lanes) {
    T values[N];
#pragma unroll
    for (int i = 0; i < N; ++i) values[i] = rounded<T>(lanes.v[i]);
    Packed<T, N> packed;
    memcpy(packed.words, values, sizeof values);
    store_packed<N>(to, packed);
}

/// Whether every row of `width` values that begins at one of the pointers can be taken kLanes at a
/// time.
template <class... P>
bool rows_are_packed(std::int64_t width, const P*... pointers) {
    const std::uintptr_t bits = (reinterpret_cast<std::uintptr_t>(pointers) | ... | 0U);
    return width % kLanes == 0 && bits % 16 == 0;
}

/// Parts of size `part` that cover `count`.
template <class I>
__host__ __device__ constexpr I parts_of(I count, I part) {
    return (count + part - 1) / part;
}

/// Threads of a block that goes over rows of `width` values, `lanes` at a time: whole warps, and no
/// more than 256.
inline unsigned row_threads(std::int64_t width, int lanes) {
    const std::int64_t steps = parts_of<std::int64_t>(width, lanes);
    return static_cast<unsigned>(steps >= 256 ? 256 : parts_of<std::int64_t>(steps, 32) * 32);
}

}  // namespace r1::cuda
