// SPDX-License-Identifier: Apache-2.0
// xxh3-128: proves that bytes are what was written. Not a signature.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace r1 {

/// In xxHash's canonical byte order, so that its hex digits are those of `xxh128sum`.
struct Hash128 {
    std::array<unsigned char, 16> bytes{};
    friend bool operator==(const Hash128&, const Hash128&) = default;
};
std::string to_hex(const Hash128& hash);                    ///< 32 lower-case digits
std::optional<Hash128> parse_hex(std::string_view digits);  ///< exactly 32 lower-case digits
Hash128 hash_of(const void* data, std::size_t bytes);
std::string hash_hex(std::string_view bytes);

/// The hash of bytes that come in pieces.
class Hasher {
  public:
    Hasher();
    void update(const void* data, std::size_t bytes);
    /// Of everything so far.
    Hash128 digest() const;
    std::string hex() const { return to_hex(digest()); }

  private:
    struct Free {
        void operator()(XXH3_state_s* state) const noexcept;
    };
    std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace r1
