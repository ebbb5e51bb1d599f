// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/hash.h"

#include <xxhash.h>

#include <new>

namespace r1 {

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

std::string Hasher::hex() const {
    XXH128_canonical_t canonical{};
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : canonical.digest) {
        text.push_back(kDigits[byte >> 4]);
        text.push_back(kDigits[byte & 15]);
    }
    return text;
}

std::string hash_hex(std::string_view bytes) {
    Hasher hasher;
    hasher.update(bytes.data(), bytes.size());
    return hasher.hex();
}

}  // namespace r1
