// SPDX-License-Identifier: Apache-2.0
#include "common/log.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace r1 {

TEST(LogDeathTest, LineHoldsTheLevelWhoAndTheTextAsItIs) {
    const auto log_and_exit = [] {
        start_log("rank 3/8 50%n");
        log_debug("not shown");
        log_warning("{} %v");
        std::exit(0);
    };
    EXPECT_EXIT(log_and_exit(), testing::ExitedWithCode(0),
                "^[0-9T:.-]+ warning rank 3/8 50%n: \\{\\} %v\n$");
}

TEST(LogDeathTest, VerboseShowsDebug) {
    const auto log_and_exit = [] {
        start_log("", true);
        log_debug("shown");
        std::exit(0);
    };
    EXPECT_EXIT(log_and_exit(), testing::ExitedWithCode(0), " debug shown\n$");
}

}  // namespace r1
