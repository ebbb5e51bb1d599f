// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace r1 {

/// A token bucket: keeps the writing of a checkpoint from taking the disk and the memory bus away
/// from the training that goes on beside it. Safe to use from any thread.
class Throttle {
  public:
    /// 0: no bound.
    explicit Throttle(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}

    /// Returns when `bytes` more may be written. A pause is not saved up for later: after it no
    /// more than a tenth of a second's bytes go at once.
    void pace(std::uint64_t bytes);
    /// Bytes that it has let go: for whoever wants to see that the writing goes on.
    std::uint64_t passed() const { return passed_.load(std::memory_order_relaxed); }
    /// From now on nothing waits, nor does a thread that waits now: somebody waits for the end.
    void lift();
    /// The bound holds again.
    void impose();

  private:
    using Clock = std::chrono::steady_clock;

    const std::uint64_t rate_;
    std::atomic<std::uint64_t> passed_{0};
    std::mutex mutex_;
    std::condition_variable lifted_now_;
    bool lifted_ = false;
    Clock::time_point due_{};  // when the bytes so far may have been written
};

}  // namespace r1
