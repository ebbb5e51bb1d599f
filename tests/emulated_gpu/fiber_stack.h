// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace r1::emulated {

/// Memory for a fiber's stack, of which only what is touched costs anything.
class FiberStack {
  public:
    static constexpr std::size_t kBytes = 256 * 1024;
    static constexpr std::size_t kGuardBytes = 4096;

    FiberStack()
        : memory_(static_cast<char*>(mmap(nullptr, kGuardBytes + kBytes, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
        if (memory_ == MAP_FAILED || mprotect(memory_, kGuardBytes, PROT_NONE) != 0)
            throw std::bad_alloc();
    }
    ~FiberStack() { munmap(memory_, kGuardBytes + kBytes); }
    FiberStack(const FiberStack&) = delete;
    FiberStack& operator=(const FiberStack&) = delete;

    char* bottom() const { return memory_ + kGuardBytes; }
    char* top() const { return memory_ + kGuardBytes + kBytes; }

  private:
    char* memory_;
};

}  // namespace r1::emulated
