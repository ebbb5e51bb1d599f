// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "kernels/cuda/counters.h"

namespace r1::cuda {

/// Device memory for the partial results of one operation. The next operation on the same stream
/// may use the same memory, since it begins when the one before it is done.
class Scratch {
  public:
    /// Calls `before_growth` before it allocates, which may last until the device has done
    /// everything.
    explicit Scratch(std::function<void()> before_growth = [] {})
        : before_growth_(std::move(before_growth)) {}
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch();

    /// At least `bytes`, 256-byte aligned, with anything in it. Valid until release_outgrown(),
    /// even when more is reserved in between: a record of the device's work may hold it. Throws
    /// Error (kLibrary) naming the size when there is no memory, or when it would have to grow
    /// while the work is being recorded.
    void* reserve(std::size_t bytes);
    /// Gives back what was replaced by larger memory. Nothing may use it any more.
    void release_outgrown() noexcept;
    /// Counters::kCount numbers that are zero between operations.
    std::int32_t* counters() {
        if (!counters_.made()) before_growth_();
        return counters_.data();
    }

  private:
    std::function<void()> before_growth_;
    std::vector<void*> blocks_;  ///< the last is the one in use
    std::size_t bytes_ = 0;      ///< of the last
    Counters counters_;
};

}  // namespace r1::cuda
