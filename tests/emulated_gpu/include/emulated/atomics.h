// SPDX-License-Identifier: Apache-2.0
// Atomics on whole numbers; those on floats are left out, since sums would depend on the order.
#pragma once

#include <algorithm>
#include <type_traits>

namespace r1::emulated {

template <class T, class Change>
T exchange(T* place, Change change) {
    static_assert(std::is_integral_v<T> && sizeof(T) >= 4);
    const T before = *place;
    *place = change(before);
    return before;
}

}  // namespace r1::emulated

template <class T>
T atomicAdd(T* place, std::type_identity_t<T> value) {
    return r1::emulated::exchange(place, [&](T was) { return static_cast<T>(was + value); });
}
template <class T>
T atomicMax(T* place, std::type_identity_t<T> value) {
    return r1::emulated::exchange(place, [&](T was) { return std::max(was, value); });
}
template <class T>
T atomicMin(T* place, std::type_identity_t<T> value) {
    return r1::emulated::exchange(place, [&](T was) { return std::min(was, value); });
}
template <class T>
T atomicOr(T* place, std::type_identity_t<T> value) {
    return r1::emulated::exchange(place, [&](T was) { return was | value; });
}
template <class T>
T atomicAnd(T* place, std::type_identity_t<T> value) {
    return r1::emulated::exchange(place, [&](T was) { return was & value; });
}
template <class T>
T atomicExch(T* place, std::type_identity_t<T> value) {
    return r1::emulated::exchange(place, [&](T) { return value; });
}
template <class T>
T atomicCAS(T* place, std::type_identity_t<T> compare, std::type_identity_t<T> value) {
    return r1::emulated::exchange(place, [&](T was) { return was == compare ? value : was; });
}
