// SPDX-License-Identifier: Apache-2.0
// bfloat16 is the upper half of a float32.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace r1 {

inline float from_bfloat16(std::uint16_t value) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

/// To the nearest, ties to even. A NaN stays one.
inline std::uint16_t to_bfloat16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
    return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

/// Rounded once: by way of the nearest float32 a value just off a tie would go the wrong way. What
/// a float32 cannot hold is cut and leaves its last bit set, so that it is no tie.
inline std::uint16_t to_bfloat16(double value) {
    const auto nearest = static_cast<float>(value);
    if (std::isnan(value) || static_cast<double>(nearest) == value) return to_bfloat16(nearest);
    auto bits = std::bit_cast<std::uint32_t>(nearest);
    if (std::fabs(static_cast<double>(nearest)) > std::fabs(value)) --bits;
    return to_bfloat16(std::bit_cast<float>(bits | 1u));
}

/// A value in memory. Arithmetic is done in float: a value is widened, and the result rounded once.
struct Bf16 {
    std::uint16_t bits = 0;
    Bf16() = default;
    explicit Bf16(float value) : bits(to_bfloat16(value)) {}
    explicit Bf16(double value) : bits(to_bfloat16(value)) {}
    explicit operator float() const { return from_bfloat16(bits); }
    explicit operator double() const { return static_cast<double>(from_bfloat16(bits)); }
};

}  // namespace r1
