// SPDX-License-Identifier: Apache-2.0
// CUDA's small vectors, with their alignment.
#pragma once

#include <cstdint>

namespace r1::emulated {

template <class T>
struct alignas(2 * sizeof(T)) Vector2 {
    T x, y;
};
template <class T>
struct Vector3 {
    T x, y, z;
};
template <class T>
struct alignas(sizeof(T) < 4 ? 4 * sizeof(T) : 16) Vector4 {
    T x, y, z, w;
};

}  // namespace r1::emulated

using int2 = r1::emulated::Vector2<int>;
using int3 = r1::emulated::Vector3<int>;
using int4 = r1::emulated::Vector4<int>;
using uint2 = r1::emulated::Vector2<unsigned>;
using uint3 = r1::emulated::Vector3<unsigned>;
using uint4 = r1::emulated::Vector4<unsigned>;
using float2 = r1::emulated::Vector2<float>;
using float3 = r1::emulated::Vector3<float>;
using float4 = r1::emulated::Vector4<float>;
using double2 = r1::emulated::Vector2<double>;
using longlong2 = r1::emulated::Vector2<long long>;
using ulonglong2 = r1::emulated::Vector2<unsigned long long>;

inline int2 make_int2(int x, int y) {
    return {x, y};
}
inline int3 make_int3(int x, int y, int z) {
    return {x, y, z};
}
inline int4 make_int4(int x, int y, int z, int w) {
    return {x, y, z, w};
}
inline uint2 make_uint2(unsigned x, unsigned y) {
    return {x, y};
}
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) {
    return {x, y, z};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
    return {x, y, z, w};
}
inline float2 make_float2(float x, float y) {
    return {x, y};
}
inline float3 make_float3(float x, float y, float z) {
    return {x, y, z};
}
inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}
inline double2 make_double2(double x, double y) {
    return {x, y};
}
inline longlong2 make_longlong2(long long x, long long y) {
    return {x, y};
}
inline ulonglong2 make_ulonglong2(unsigned long long x, unsigned long long y) {
    return {x, y};
}

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
    constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
    constexpr operator uint3() const { return {x, y, z}; }
};
