// SPDX-License-Identifier: Apache-2.0
// xxh3-128: proves that bytes are what was written. Not a signature.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace r1 {

class Hasher {
  public:
    Hasher();
    void update(const void* data, std::size_t bytes);
    /// 32 lower-case hex digits, of everything so far.
    std::string hex() const;

  private:
    struct Free {
        void operator()(XXH3_state_s* state) const noexcept;
    };
    std::unique_ptr<XXH3_state_s, Free> state_;
};

std::string hash_hex(std::string_view bytes);

}  // namespace r1
