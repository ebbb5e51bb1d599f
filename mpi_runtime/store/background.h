// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <future>
#include <string>

namespace r1 {

/// One piece of work at a time in a thread of its own, at a lower priority than the training. The
/// work must not call MPI: only the main thread does.
class Background {
  public:
    Background() = default;
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    /// Waits for the work.
    ~Background();

    /// What the work before threw must have been taken.
    void start(std::function<void()> work);
    /// Whether there is none, or it has ended.
    bool done() const;
    /// `look_on` is called about ten times a second meanwhile.
    void wait(const std::function<void()>& look_on = {}) const;
    /// Of work that has ended: "" or what it threw.
    std::string take();

  private:
    std::future<std::string> result_;
};

}  // namespace r1
