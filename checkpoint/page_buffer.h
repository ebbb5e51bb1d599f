// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace r1 {

/// Bytes of a page of memory, and what direct I/O wants addresses, offsets and sizes to be a
/// multiple of. No disk that we know of asks for more.
inline constexpr std::uint64_t kPageBytes = 4096;

constexpr std::uint64_t round_up_to_page(std::uint64_t bytes) {
    return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

/// Owned memory that begins at a page. Its pages are there from the start, so that the first copy
/// into it is as fast as the next.
class PageBuffer {
  public:
    PageBuffer() = default;
    /// Throws Error (kRunFailed) naming the size when there is no memory.
    explicit PageBuffer(std::uint64_t bytes);
    PageBuffer(PageBuffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    PageBuffer& operator=(PageBuffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~PageBuffer();

    std::byte* data() { return data_; }
    const std::byte* data() const { return data_; }
    std::uint64_t size() const { return bytes_; }
    /// Makes room for `bytes`; what was there is gone if it has to grow.
    void reserve(std::uint64_t bytes) {
        if (bytes > bytes_) *this = PageBuffer(bytes);
    }

  private:
    std::byte* data_ = nullptr;
    std::uint64_t bytes_ = 0;
};

}  // namespace r1
