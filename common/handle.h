// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace r1 {

/// Owns one C handle. Traits name the raw type, the null value and how to close:
///   using Raw = …; static Raw null() noexcept; static void close(Raw) noexcept;
/// Moving empties the source; the destructor never throws.
template <class Traits>
class Handle {
  public:
    using Raw = typename Traits::Raw;

    Handle() noexcept : raw_(Traits::null()) {}
    explicit Handle(Raw raw) noexcept : raw_(raw) {}
    Handle(Handle&& other) noexcept : raw_(other.release()) {}
    Handle& operator=(Handle&& other) noexcept {
        Handle taken(std::move(other));
        std::swap(raw_, taken.raw_);
        return *this;
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (raw_ != Traits::null()) Traits::close(raw_);
    }

    Raw get() const noexcept { return raw_; }
    explicit operator bool() const noexcept { return raw_ != Traits::null(); }
    Raw release() noexcept { return std::exchange(raw_, Traits::null()); }

  private:
    Raw raw_;
};

}  // namespace r1
