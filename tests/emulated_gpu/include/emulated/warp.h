// SPDX-License-Identifier: Apache-2.0
// What the lanes of a warp do together. Every lane that a mask names has to come, with the same
// mask and to the same function; lanes that left the kernel, or that the block does not have, never
// come. A shuffle from a lane that the mask does not name gives bytes 0xFF.
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace r1::emulated {

/// Lanes that have come together. in[lane] and out[lane] are valid for the lanes in `mask`.
struct Meeting {
    unsigned mask = 0;
    const void* in[32] = {};
    void* out[32] = {};
};

/// Waits for the lanes in `mask`; the last to come calls finish for all of them.
void meet_warp(unsigned mask, const char* call, const void* in, void* out,
               void (*finish)(const Meeting&));
/// This thread's lane.
int lane();

template <class Visit>
void for_each_lane(unsigned mask, Visit visit) {
    for (int i = 0; i < 32; ++i) {
        if ((mask >> i & 1u) != 0) visit(i);
    }
}

template <class T>
struct Shuffled {
    T value;
    int from;  ///< the lane whose value this lane takes
};

template <class T>
T shuffle(unsigned mask, const char* call, T value, int from) {
    static_assert(std::is_arithmetic_v<T> && sizeof(T) >= 4);
    const Shuffled<T> mine{value, from};
    T result;
    meet_warp(mask, call, &mine, &result, [](const Meeting& meeting) {
        for_each_lane(meeting.mask, [&](int i) {
            const int source = static_cast<const Shuffled<T>*>(meeting.in[i])->from;
            std::memset(meeting.out[i], 0xFF, sizeof(T));
            if ((meeting.mask >> source & 1u) == 0) return;
            std::memcpy(meeting.out[i], &static_cast<const Shuffled<T>*>(meeting.in[source])->value,
                        sizeof(T));
        });
    });
    return result;
}

/// All lanes get combine over the values of the lanes in `mask`, in their order.
template <class T, class Combine>
T reduce(unsigned mask, const char* call, T value, Combine) {
    T result;
    meet_warp(mask, call, &value, &result, [](const Meeting& meeting) {
        T sum{};
        bool first = true;
        for_each_lane(meeting.mask, [&](int i) {
            const T term = *static_cast<const T*>(meeting.in[i]);
            sum = first ? term : Combine{}(sum, term);
            first = false;
        });
        for_each_lane(meeting.mask, [&](int i) { *static_cast<T*>(meeting.out[i]) = sum; });
    });
    return result;
}

}  // namespace r1::emulated

inline void __syncwarp(unsigned mask = 0xFFFFFFFFu) {
    r1::emulated::meet_warp(mask, "__syncwarp", nullptr, nullptr, [](const auto&) {});
}
template <class T>
T __shfl_sync(unsigned mask, T value, int from, int width = 32) {
    const int first = r1::emulated::lane() & ~(width - 1);
    return r1::emulated::shuffle(mask, "__shfl_sync", value, first + (from & (width - 1)));
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    const int lane = r1::emulated::lane(), from = lane - static_cast<int>(delta);
    const int first = lane & ~(width - 1);
    return r1::emulated::shuffle(mask, "__shfl_up_sync", value, from < first ? lane : from);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    const int lane = r1::emulated::lane(), from = lane + static_cast<int>(delta);
    const int end = (lane & ~(width - 1)) + width;
    return r1::emulated::shuffle(mask, "__shfl_down_sync", value, from >= end ? lane : from);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
    const int lane = r1::emulated::lane(), from = lane ^ bits;
    const int end = (lane & ~(width - 1)) + width;
    return r1::emulated::shuffle(mask, "__shfl_xor_sync", value, from >= end ? lane : from);
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
    const unsigned mine = predicate != 0 ? 1u << r1::emulated::lane() : 0u;
    return r1::emulated::reduce(mask, "__ballot_sync", mine,
                                [](unsigned a, unsigned b) { return a | b; });
}
inline int __any_sync(unsigned mask, int predicate) {
    return r1::emulated::reduce(mask, "__any_sync", predicate != 0 ? 1 : 0,
                                [](int a, int b) { return a | b; });
}
inline int __all_sync(unsigned mask, int predicate) {
    return r1::emulated::reduce(mask, "__all_sync", predicate != 0 ? 1 : 0,
                                [](int a, int b) { return a & b; });
}
template <class T>
T __reduce_add_sync(unsigned mask, T value) {
    static_assert(std::is_integral_v<T> && sizeof(T) == 4);
    return r1::emulated::reduce(mask, "__reduce_add_sync", value, [](T a, T b) { return a + b; });
}
template <class T>
T __reduce_max_sync(unsigned mask, T value) {
    static_assert(std::is_integral_v<T> && sizeof(T) == 4);
    return r1::emulated::reduce(mask, "__reduce_max_sync", value,
                                [](T a, T b) { return std::max(a, b); });
}
template <class T>
T __reduce_min_sync(unsigned mask, T value) {
    static_assert(std::is_integral_v<T> && sizeof(T) == 4);
    return r1::emulated::reduce(mask, "__reduce_min_sync", value,
                                [](T a, T b) { return std::min(a, b); });
}
