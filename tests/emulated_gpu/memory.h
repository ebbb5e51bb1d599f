// SPDX-License-Identifier: Apache-2.0
// Memory whose bounds are watched.
#pragma once

#include <cstddef>

namespace r1::emulated {

/// `bytes` bytes, all 0xFF, that end at a page which faults, but for up to 255 bytes that keep the
/// begin aligned to 256. Those and the bytes before the begin hold a pattern, and the destructor
/// ends the program when it has changed.
class WatchedMemory {
  public:
    /// Throws std::bad_alloc.
    explicit WatchedMemory(std::size_t bytes);
    ~WatchedMemory();
    WatchedMemory(const WatchedMemory&) = delete;
    WatchedMemory& operator=(const WatchedMemory&) = delete;

    unsigned char* data() const { return data_; }
    std::size_t size() const { return bytes_; }

  private:
    void check() const;

    unsigned char* pages_;
    std::size_t page_bytes_;
    unsigned char* data_;
    std::size_t bytes_;
};

enum class Place { kDevice, kHost, kUnknown };
/// Whose memory the bytes are; kUnknown for memory that was not allocated by the runtime.
/// A device's range that runs beyond its allocation ends the program.
Place place_of(const void* memory, std::size_t bytes);

}  // namespace r1::emulated
