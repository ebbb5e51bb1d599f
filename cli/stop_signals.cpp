// SPDX-License-Identifier: Apache-2.0
#include "cli/stop_signals.h"

namespace r1::cli {

namespace {

volatile std::sig_atomic_t signals_seen = 0;

void count_signal(int) {
    signals_seen = signals_seen + 1;
}

}  // namespace

StopSignals::StopSignals() {
    signals_seen = 0;
    struct sigaction action {};
    action.sa_handler = count_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < kCounted.size(); ++i) sigaction(kCounted[i], &action, &before_[i]);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, &pipe_before_);
}

StopSignals::~StopSignals() {
    for (std::size_t i = 0; i < kCounted.size(); ++i) sigaction(kCounted[i], &before_[i], nullptr);
    sigaction(SIGPIPE, &pipe_before_, nullptr);
}

int StopSignals::count() const {
    return signals_seen;
}

}  // namespace r1::cli
