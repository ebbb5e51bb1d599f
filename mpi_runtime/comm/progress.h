// SPDX-License-Identifier: Apache-2.0
// What the main thread of this process does, for the watchdog, which looks on from another thread.
// The main thread alone writes; any thread may look.
#pragma once

#include <cstdint>

namespace r1 {

/// Says that the main thread goes on: at least once a micro-batch, a token or a file.
void beat() noexcept;

/// Names what the main thread does until the end of the scope, and beats at both ends. `text` must
/// live for ever; it completes "made no progress while …".
class Activity {
  public:
    explicit Activity(const char* text) noexcept;
    Activity(const Activity&) = delete;
    Activity& operator=(const Activity&) = delete;
    ~Activity();

  private:
    const char* before_;
};

/// One collective call: an Activity that is counted.
class CollectiveCall : public Activity {
  public:
    CollectiveCall() noexcept;
};

/// Waiting for the end of collective calls that were counted when they were made.
class CollectiveWait : public Activity {
  public:
    CollectiveWait() noexcept;
};

struct Progress {
    const char* activity = "";
    bool in_collective = false;    ///< the others may be what it waits for
    std::int64_t collectives = 0;  ///< entered so far
    std::int64_t beats = 0;        ///< any change of this number is progress
};
Progress look_at_progress() noexcept;

}  // namespace r1
