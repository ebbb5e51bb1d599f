// SPDX-License-Identifier: Apache-2.0
// A thread of the emulated GPU: a function with a stack of its own that can be left and re-entered.
#pragma once

#include <functional>
#include <memory>

namespace r1::emulated {

/// Belongs to the host thread that made it. Below the stack lies a page that faults.
class Fiber {
  public:
    Fiber();
    ~Fiber();
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    /// The next resume() begins `work`, which has to end before the next start.
    void start(const std::function<void()>& work);
    /// Runs until the fiber pauses or ends.
    void resume();
    /// Called within the fiber: goes back to where it was resumed.
    void pause();
    bool ended() const { return ended_; }

  private:
    struct Context;
    static void run();

    std::unique_ptr<Context> context_;
    const std::function<void()>* work_ = nullptr;
    bool ended_ = true;
};

}  // namespace r1::emulated
