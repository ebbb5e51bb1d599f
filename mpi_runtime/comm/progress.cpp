// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/progress.h"

#include <atomic>

namespace r1 {

namespace {

constexpr const char* kWaiting = "waiting for the other ranks";

// One process is one rank, and deep layers beat: an object handed down to all of them would be in
// every signature. There is one writer, so that plain stores suffice.
std::atomic<const char*> activity{"starting"};
std::atomic<std::int64_t> collectives{0};
std::atomic<std::int64_t> beats{0};

}  // namespace

void beat() noexcept {
    beats.store(beats.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

Activity::Activity(const char* text) noexcept : before_(activity.load()) {
    activity.store(text);
    beat();
}

Activity::~Activity() {
    activity.store(before_);
    beat();
}

CollectiveCall::CollectiveCall() noexcept : Activity(kWaiting) {
    collectives.store(collectives.load() + 1);
}

CollectiveWait::CollectiveWait() noexcept : Activity(kWaiting) {}

Progress look_at_progress() noexcept {
    Progress now;
    now.beats = beats.load(std::memory_order_acquire);
    now.activity = activity.load();
    now.in_collective = now.activity == kWaiting;
    now.collectives = collectives.load();
    return now;
}

}  // namespace r1
