// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <csignal>

namespace r1::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP are counted instead of ending the process, and a
/// closed pipe is an error of the stream. One at a time a process.
class StopSignals {
  public:
    StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;
    ~StopSignals();

    /// How many came since this object was made.
    int count() const;

  private:
    static constexpr std::array kCounted = {SIGINT, SIGTERM, SIGHUP};
    std::array<struct sigaction, kCounted.size()> before_{};
    struct sigaction pipe_before_ {};
};

}  // namespace r1::cli
