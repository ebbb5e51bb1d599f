// SPDX-License-Identifier: Apache-2.0
// Each case in a process of its own, which the watchdog ends.
#include "mpi_runtime/trainer/watchdog.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "checkpoint/attempt.h"
#include "common/host.h"
#include "common/time.h"
#include "mpi_runtime/comm/progress.h"
#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

constexpr double kLimit = 0.4;
constexpr int kSurvived = 77;

void rest(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

struct WatchdogTest : testing::Test {
    WatchdogTest() { run.begin_attempt(); }
    Watchdog::Post post(int rank = 0, int ranks = 1) const { return {run, 1, rank, ranks, kLimit}; }
    RankError error_of(int rank) const {
        const auto errors = read_rank_errors(run, 1);
        EXPECT_EQ(errors.size(), 1u);
        EXPECT_EQ(errors.empty() ? -1 : errors[0].rank, rank);
        return errors.empty() ? RankError{} : errors[0];
    }
    TemporaryFolder folder;
    RunDirectory run{folder.path()};
};

[[noreturn]] void hang_in(const char* text, const Watchdog::Post& post) {
    const Watchdog watchdog(post);
    const Activity activity(text);
    rest(10);
    std::_Exit(kSurvived);
}

TEST_F(WatchdogTest, MainThreadThatDoesNotGoOnIsNamedWithWhatItDid) {
    const double begin = monotonic_seconds();
    EXPECT_EXIT(hang_in("writing a checkpoint", post()), testing::ExitedWithCode(4), "");
    EXPECT_LT(monotonic_seconds() - begin, 8);
    const RankError error = error_of(0);
    EXPECT_TRUE(error.hung);
    EXPECT_EQ(error.exit_code, 4);
    EXPECT_EQ(error.host, node_name());
    EXPECT_NE(error.message.find(" while writing a checkpoint; found by the watchdog of rank 0"),
              std::string::npos)
        << error.message;
}

[[noreturn]] void wait_for_others(const Watchdog::Post& post) {
    const Watchdog watchdog(post);
    const CollectiveCall call;
    rest(10);
    std::_Exit(kSurvived);
}

TEST_F(WatchdogTest, RankThatNeverStartedIsTheOneThatHangs) {
    EXPECT_EXIT(wait_for_others(post(1, 3)), testing::ExitedWithCode(4), "");
    const RankError error = error_of(0);
    EXPECT_EQ(error.host, "an unknown node");
    EXPECT_NE(error.message.find("gives no sign of life"), std::string::npos) << error.message;
}

TEST_F(WatchdogTest, NodeOfARankThatGivesNoSignIsKnownFromItsStart) {
    write_ranks(run, 1, {{0, "node3", 17, "cpu"}, {1, "node4", 18, "cpu"}});
    EXPECT_EXIT(wait_for_others(post(1, 2)), testing::ExitedWithCode(4), "");
    EXPECT_EQ(error_of(0).host, "node3");
}

TEST_F(WatchdogTest, StepLongerThanTheLimitWithBeatsInItGoesOn) {
    const Watchdog watchdog(post());
    const Activity training("training");
    for (int i = 0; i < 30; ++i) {
        rest(kLimit / 4);
        beat();
    }
    EXPECT_TRUE(read_rank_errors(run, 1).empty());
    EXPECT_FALSE(std::filesystem::exists(run.attempt_roll_call(1)));
}

TEST_F(WatchdogTest, LimitHoldsAnewAfterEveryBeat) {
    const auto body = [&] {
        const Watchdog watchdog(post());
        for (int i = 0; i < 4; ++i) {
            rest(kLimit * 0.9);
            beat();
        }
        rest(10);
        std::_Exit(kSurvived);
    };
    const double begin = monotonic_seconds();
    EXPECT_EXIT(body(), testing::ExitedWithCode(4), "");
    EXPECT_LT(monotonic_seconds() - begin, 9);
}

}  // namespace
}  // namespace r1
