// SPDX-License-Identifier: Apache-2.0
#include "common/random.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace r1 {

namespace {

constexpr std::uint32_t kMultiplier0 = 0xD2511F53;
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;

}  // namespace

PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key) {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t product0 = std::uint64_t{kMultiplier0} * counter[0];
        const std::uint64_t product1 = std::uint64_t{kMultiplier1} * counter[2];
        counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
                   static_cast<std::uint32_t>(product1),
                   static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
                   static_cast<std::uint32_t>(product0)};
        key[0] += kWeyl0;
        key[1] += kWeyl1;
    }
    return counter;
}

PhiloxKey make_key(std::uint64_t seed, Purpose purpose, std::uint32_t stage) {
    const PhiloxCounter mixed =
        philox4x32({static_cast<std::uint32_t>(purpose), stage, 0, 0},
                   {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
    return {mixed[0], mixed[1]};
}

std::uint32_t RandomStream::bits() {
    if (used_ == 4) {
        block_ = philox4x32(counter_, key_);
        ++counter_[0];
        used_ = 0;
    }
    return block_[used_++];
}

std::uint32_t RandomStream::below(std::uint32_t n) {
    // Lemire's multiply-and-reject: unbiased, and almost never a second draw.
    std::uint64_t product = std::uint64_t{bits()} * n;
    const std::uint32_t reject_below = (0u - n) % n;
    while (static_cast<std::uint32_t>(product) < reject_below) product = std::uint64_t{bits()} * n;
    return static_cast<std::uint32_t>(product >> 32);
}

std::int64_t RandomStream::between(std::int64_t low, std::int64_t high) {
    const std::uint64_t last = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    std::uint64_t drawn = 0;
    if (last < UINT32_MAX) {
        drawn = below(static_cast<std::uint32_t>(last) + 1);
    } else {
        const std::uint64_t mask = UINT64_MAX >> std::countl_zero(last);
        do {
            const std::uint64_t upper = bits();
            drawn = (upper << 32 | bits()) & mask;
        } while (drawn > last);
    }
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + drawn);
}

double RandomStream::normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

}  // namespace r1
