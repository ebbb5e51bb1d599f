// SPDX-License-Identifier: Apache-2.0
// What ends an attempt besides the last step: its deadline, the end of its job's stages, and a
// newer attempt of the same run.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "common/file.h"
#include "common/time.h"
#include "tests/system/processes.h"
#include "tests/system/rank_job.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"

namespace r1 {
namespace {

std::string endless() {
    return with(small_recipe(), "steps: 12", "steps: 100000");
}

OutcomeRecord outcome_of(const RankRun& one, int attempt) {
    const auto outcome = read_outcome(one.run(), attempt);
    EXPECT_TRUE(outcome) << one.log(attempt);
    return outcome.value_or(OutcomeRecord{});
}

std::int64_t newest_checkpoint(const RankRun& one) {
    const auto steps = list_checkpoints(one.run().checkpoints());
    return steps.empty() ? -1 : steps.back();
}

TEST(Deadline, RanksSaveAndStopBeforeIt) {
    RankRun one(with(endless(), "every_steps: 5", "every_steps: 0"));
    AttemptRecord record;
    record.deadline_ms = utc_milliseconds() + 20'000;
    const ProcessEnd end = one.attempt(2, record);
    EXPECT_TRUE(end.ok()) << one.log(1);
    const OutcomeRecord outcome = outcome_of(one, 1);
    EXPECT_EQ(outcome.outcome, Outcome::kStopped);
    EXPECT_EQ(outcome.reason, StopReason::kDeadline);
    EXPECT_EQ(outcome.step, newest_checkpoint(one));
    EXPECT_EQ(outcome.step, newest_step(one.run()));
    EXPECT_GT(outcome.step, 2);
    EXPECT_LT(outcome.end_ms, *record.deadline_ms - 14'000) << "the epilogue needs 15 s";
    // No save had been measured: one was made at once, and its time is in the next line.
    EXPECT_GT(json_lines(one.run().metrics()).at(1).value("timing_s/save", 0.0), 0);
}

TEST(Deadline, ThatIsTooNearStillGetsOneStep) {
    RankRun one(endless());
    for (int attempt = 1; attempt <= 2; ++attempt) {
        AttemptRecord record;
        record.deadline_ms = utc_milliseconds() + 5'000;
        const ProcessEnd end = one.attempt(2, record);
        EXPECT_TRUE(end.ok()) << one.log(attempt);
        EXPECT_EQ(outcome_of(one, attempt).reason, StopReason::kDeadline);
        EXPECT_EQ(outcome_of(one, attempt).step, attempt);
        EXPECT_EQ(newest_checkpoint(one), attempt);
    }
}

TEST(Segments, JobsOfOtherSizesTrainTheStagesInTurn) {
    RankRun one(small_recipe());
    AttemptRecord first;
    first.job = 1;
    first.slurm = SlurmPlace{};
    first.end_stage = 1;
    EXPECT_TRUE(one.attempt(2, first).ok()) << one.log(1);
    EXPECT_EQ(outcome_of(one, 1).outcome, Outcome::kStopped);
    EXPECT_EQ(outcome_of(one, 1).reason, StopReason::kNextJob);
    EXPECT_EQ(outcome_of(one, 1).step, kSftSteps);
    EXPECT_EQ(newest_checkpoint(one), kSftSteps);

    EXPECT_TRUE(one.attempt(2, first).ok()) << "a job that has nothing left to do";
    EXPECT_EQ(outcome_of(one, 2).reason, StopReason::kNextJob);
    EXPECT_EQ(outcome_of(one, 2).step, kSftSteps);
    EXPECT_EQ(newest_step(one.run()), kSftSteps);

    AttemptRecord second;
    second.job = 2;
    second.slurm = SlurmPlace{};
    second.end_stage = 2;
    EXPECT_TRUE(one.attempt(1, second).ok()) << one.log(3);
    EXPECT_EQ(outcome_of(one, 3).outcome, Outcome::kCompleted);
    EXPECT_EQ(outcome_of(one, 3).reason, StopReason::kNone);
    EXPECT_EQ(newest_checkpoint(one), kAllSteps);
    EXPECT_TRUE(one.attempt(2, first).ok()) << "past its stages";
    EXPECT_EQ(json_lines(one.run().metrics()).size(), static_cast<std::size_t>(kAllSteps));
}

TEST(Superseded, RanksOfTheOldAttemptEndAndWriteNothing) {
    RankRun one(with(endless(), "every_steps: 5", "every_steps: 2"));
    const auto job = one.begin(2);
    ASSERT_TRUE(wait_until([&] { return newest_step(one.run()) >= 33 || job->poll(); }, 40));
    ASSERT_FALSE(job->poll()) << one.log(1);
    ASSERT_EQ(one.run().begin_attempt(), 2);
    // What had begun may still be finished.
    wait_until([] { return false; }, 0.05);
    const std::string metrics = read_file(one.run().metrics());
    const std::int64_t checkpoint = newest_checkpoint(one);
    EXPECT_EQ(job->wait().shell_code(), 1) << one.log(1);
    EXPECT_NE(one.log(1).find("superseded by attempt 2"), std::string::npos) << one.log(1);
    EXPECT_EQ(read_file(one.run().metrics()), metrics);
    EXPECT_EQ(newest_checkpoint(one), checkpoint);
    EXPECT_FALSE(read_outcome(one.run(), 1));
    EXPECT_TRUE(std::filesystem::is_empty(one.run().attempt(2)));
    EXPECT_EQ(survivors_after(one.path(), 2), "");
}

TEST(Superseded, RanksThatComeUpTooLateTouchNothing) {
    RankRun one(small_recipe());
    const auto job = one.begin(2);
    ASSERT_EQ(one.run().begin_attempt(), 2);
    EXPECT_EQ(job->wait().shell_code(), 1) << one.log(1);
    EXPECT_FALSE(std::filesystem::exists(one.run().metrics()));
    EXPECT_TRUE(std::filesystem::is_empty(one.run().attempt(2)));
}

TEST(Ranks, MoreThanSequencesTakePartInEveryStage) {
    std::string recipe = with(small_recipe(), "batch_size: 128", "batch_size: 3");
    recipe = with(recipe, "rollout_size: 128", "rollout_size: 4");
    recipe = with(recipe, "prompts_per_step: 8\n    group_size: 8",
                  "prompts_per_step: 1\n    group_size: 2");
    recipe = with(recipe, "prompts: 10\n  samples: 2", "prompts: 2\n  samples: 2");
    recipe = with(recipe, "steps: 30", "steps: 4");
    RankRun one(with(recipe, "steps: 12", "steps: 4"));
    EXPECT_TRUE(one.attempt(8).ok()) << one.log(1);
    EXPECT_EQ(outcome_of(one, 1).outcome, Outcome::kCompleted);
}

}  // namespace
}  // namespace r1
