// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/throttle.h"

#include <algorithm>

namespace r1 {

void Throttle::pace(std::uint64_t bytes) {
    passed_.fetch_add(bytes, std::memory_order_relaxed);
    if (rate_ == 0) return;
    constexpr auto kBurst = std::chrono::milliseconds(100);
    const std::chrono::duration<double> length(static_cast<double>(bytes) /
                                               static_cast<double>(rate_));
    std::unique_lock lock(mutex_);
    if (lifted_) return;
    due_ =
        std::max(due_, Clock::now() - kBurst) + std::chrono::duration_cast<Clock::duration>(length);
    lifted_now_.wait_until(lock, due_, [&] { return lifted_; });
}

void Throttle::lift() {
    const std::lock_guard lock(mutex_);
    lifted_ = true;
    lifted_now_.notify_all();
}

void Throttle::impose() {
    const std::lock_guard lock(mutex_);
    lifted_ = false;
    due_ = {};
}

}  // namespace r1
