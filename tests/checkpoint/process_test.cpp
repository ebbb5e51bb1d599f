// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "common/subprocess.h"

namespace r1 {
namespace {

TEST(Process, StringsAreThoseItWasStartedWith) {
    const Subprocess sleeper({{"sleep", "60"}, {"R1_MARK=here"}});
    EXPECT_EQ(process_strings(sleeper.pid(), "cmdline"), std::string("sleep\0"
                                                                     "60\0",
                                                                     9));
    EXPECT_NE(process_strings(sleeper.pid(), "environ").find("R1_MARK=here"), std::string::npos);
    const auto ids = process_ids();
    EXPECT_NE(std::find(ids.begin(), ids.end(), sleeper.pid()), ids.end());
}

TEST(Process, ThatEndsWhileItIsReadHasNoStrings) {
    std::atomic<bool> done = false;
    std::thread starter([&] {
        for (int i = 0; i < 200; ++i) Subprocess({{"true"}}).wait();
        done = true;
    });
    while (!done)
        for (const std::int64_t id : process_ids()) {
            EXPECT_NO_THROW(process_strings(id, "cmdline"));
            EXPECT_NO_THROW(process_strings(id, "environ"));
        }
    starter.join();
}

}  // namespace
}  // namespace r1
