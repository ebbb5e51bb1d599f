// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/hash.h"

#include <xxhash.h>

#include <algorithm>
#include <new>

namespace r1 {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int value_of(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

Hash128 canonical(XXH128_hash_t hash) {
    XXH128_canonical_t canonical{};
    XXH128_canonicalFromHash(&canonical, hash);
    Hash128 result;
    std::copy(std::begin(canonical.digest), std::end(canonical.digest), result.bytes.begin());
    return result;
}

}  // namespace

std::string to_hex(const Hash128& hash) {
    std::string text;
    text.reserve(2 * hash.bytes.size());
    for (const unsigned char byte : hash.bytes) {
        text.push_back(kDigits[byte >> 4]);
        text.push_back(kDigits[byte & 15]);
    }
    return text;
}

std::optional<Hash128> parse_hex(std::string_view digits) {
    Hash128 hash;
    if (digits.size() != 2 * hash.bytes.size()) return std::nullopt;
    for (std::size_t i = 0; i < hash.bytes.size(); ++i) {
        const int high = value_of(digits[2 * i]);
        const int low = value_of(digits[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        hash.bytes[i] = static_cast<unsigned char>(high << 4 | low);
    }
    return hash;
}

Hash128 hash_of(const void* data, std::size_t bytes) {
    return canonical(XXH3_128bits(data, bytes));
}

std::string hash_hex(std::string_view bytes) {
    return to_hex(hash_of(bytes.data(), bytes.size()));
}

void Hasher::Free::operator()(XXH3_state_s* state) const noexcept {
    XXH3_freeState(state);
}

Hasher::Hasher() : state_(XXH3_createState()) {
    if (!state_) throw std::bad_alloc();
    XXH3_128bits_reset(state_.get());
}

void Hasher::update(const void* data, std::size_t bytes) {
    if (bytes > 0) XXH3_128bits_update(state_.get(), data, bytes);
}

Hash128 Hasher::digest() const {
    return canonical(XXH3_128bits_digest(state_.get()));
}

}  // namespace r1
