// SPDX-License-Identifier: Apache-2.0
// Each case in a process of its own: a request cannot be taken back.
#include "mpi_runtime/trainer/stop_request.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace r1 {
namespace {

[[noreturn]] void listen_and_raise(int signal) {
    listen_for_stop();
    if (stop_requested()) std::_Exit(3);
    std::raise(signal);
    std::_Exit(stop_requested() ? 0 : 4);
}

TEST(StopRequest, EachSignalThatAsksForAStopIsSeen) {
    for (const int signal : {SIGINT, SIGTERM, SIGUSR2})
        EXPECT_EXIT(listen_and_raise(signal), testing::ExitedWithCode(0), "")
            << "signal " << signal;
}

TEST(StopRequest, OtherSignalsKeepTheirMeaning) {
    EXPECT_EXIT(listen_and_raise(SIGUSR1), testing::KilledBySignal(SIGUSR1), "");
}

TEST(StopRequest, NothingIsRequestedWithoutASignal) {
    EXPECT_FALSE(stop_requested());
}

}  // namespace
}  // namespace r1
