// SPDX-License-Identifier: Apache-2.0
// The disk is full for a while, or for good. A limit on the size of the leader's files stands in
// for it: checkpoints do not fit, the lines of the metrics do.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <memory>

#include "checkpoint/attempt.h"
#include "checkpoint/checkpoint.h"
#include "common/file.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

constexpr rlim_t kTooSmallForACheckpoint = 100'000;
constexpr int kFirstSteps = 150;

/// Its first stage is long enough for the disk to fill within it.
std::string recipe() {
    return with(small_recipe(), "steps: 30", "steps: " + std::to_string(kFirstSteps));
}

class FullDisk : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        untouched = std::make_unique<OneRun>(recipe());
        const Transcript transcript = untouched->start();
        ASSERT_TRUE(transcript.end.ok()) << transcript.all();
    }
    static void TearDownTestSuite() { untouched.reset(); }

    static void limit_leader(const OneRun& one, rlim_t bytes) {
        const std::vector<RankPlace> ranks = read_ranks(one.run(), 1);
        ASSERT_FALSE(ranks.empty());
        const rlimit limit{bytes, RLIM_INFINITY};
        ASSERT_EQ(::prlimit(static_cast<pid_t>(ranks.front().pid), RLIMIT_FSIZE, &limit, nullptr),
                  0);
    }
    static void wait_for(const OneRun& one, R1ctl& command, const Moment& moment) {
        const RunDirectory run = one.run();
        ASSERT_TRUE(wait_until([&] { return moment(run) || command.ended(); }, 40));
        ASSERT_FALSE(command.ended()) << command.wait().all();
    }
    static Moment once_logged(const std::string& text) {
        return [text](const RunDirectory& run) {
            return read_file(run.attempt_log(1)).find(text) != std::string::npos;
        };
    }
    static std::string log_of(const OneRun& one) {
        return r1ctl(one.path(), {"logs", one.run().run_id(), "--attempt", "1"}).out;
    }

    static std::unique_ptr<OneRun> untouched;
};
std::unique_ptr<OneRun> FullDisk::untouched;

TEST_F(FullDisk, ForAWhileIsLoggedAndTrainingGoesOn) {
    // Every save within the stage may fail, so that there is time to see the first that does.
    OneRun one(with(recipe(), "every_steps: 5", "every_steps: 5\n  max_failures: 100"));
    R1ctl command = one.begin();
    wait_for(one, command, after_step(1));
    if (HasFatalFailure()) return;
    limit_leader(one, kTooSmallForACheckpoint);
    wait_for(one, command, once_logged(" was not written: "));
    limit_leader(one, RLIM_INFINITY);
    const Transcript transcript = command.wait();
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
    EXPECT_NE(log_of(one).find(" was not written: rank 0 on "), std::string::npos) << log_of(one);
    expect_same_results(untouched->run(), one.run());
}

TEST_F(FullDisk, BetweenSavesLosesNoLineOfTheMetrics) {
    // The first save is at the end of the stage, and before it no file grows.
    OneRun one(with(recipe(), "every_steps: 5", "every_steps: 150"));
    R1ctl command = one.begin();
    wait_for(one, command, after_step(1));
    if (HasFatalFailure()) return;
    limit_leader(one, 1);
    wait_for(one, command, once_logged("training goes on, and the lines"));
    limit_leader(one, RLIM_INFINITY);
    const Transcript transcript = command.wait();
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
    EXPECT_NE(log_of(one).find("had waited for room on the disk are written"), std::string::npos)
        << log_of(one);
    expect_same_results(untouched->run(), one.run());
}

TEST_F(FullDisk, ForGoodEndsTheRunAtTheThirdSaveAndLosesNothing) {
    OneRun one(recipe());
    R1ctl command = one.begin();
    wait_for(one, command, once_checkpoint_exists(5));
    if (HasFatalFailure()) return;
    limit_leader(one, kTooSmallForACheckpoint);
    const Transcript transcript = command.wait();
    EXPECT_EQ(transcript.end.exit_code, 5) << transcript.all();
    EXPECT_NE(transcript.err.find("rank 0 on "), std::string::npos) << transcript.err;
    EXPECT_NE(transcript.err.find("the run cannot be saved: "), std::string::npos)
        << transcript.err;
    expect_ended(one, 2);
    EXPECT_EQ(one.state(), "failed");
    const auto checkpoints = list_checkpoints(one.run().checkpoints());
    ASSERT_FALSE(checkpoints.empty());
    EXPECT_NO_THROW(
        verify_checkpoint(one.run().checkpoints() / checkpoint_name(checkpoints.back())));
    // The third save begins 15 steps later; that it has failed is known when a fourth is due.
    EXPECT_GE(newest_step(one.run()), checkpoints.back() + 15) << "before the third save";
    EXPECT_LE(newest_step(one.run()), checkpoints.back() + 20) << "after the third save";

    const Transcript resumed = one.resume();
    EXPECT_TRUE(resumed.end.ok()) << resumed.all();
    expect_same_results(untouched->run(), one.run());
}

TEST_F(FullDisk, AtTheEndOfAStageEndsTheRun) {
    OneRun one(with(recipe(), "every_steps: 5", "every_steps: 1000"));
    R1ctl command = one.begin();
    wait_for(one, command, after_step(1));
    if (HasFatalFailure()) return;
    limit_leader(one, kTooSmallForACheckpoint);
    const Transcript transcript = command.wait();
    EXPECT_EQ(transcript.end.exit_code, 5) << transcript.all();
    EXPECT_EQ(newest_step(one.run()), kFirstSteps);
    EXPECT_TRUE(list_checkpoints(one.run().checkpoints()).empty());
}

}  // namespace
}  // namespace r1
