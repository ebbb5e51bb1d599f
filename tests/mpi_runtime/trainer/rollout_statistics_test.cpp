// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/rollout_statistics.h"

#include <gtest/gtest.h>

#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1 {
namespace {

using test::metric;

Sample make_sample(double reward, std::size_t prompt, std::size_t length, bool ended = true) {
    Sample sample;
    sample.reward = reward;
    sample.accuracy = reward >= 1 ? 1 : 0;
    sample.format = reward > 0 ? 1 : 0;
    sample.ended = ended;
    sample.prompt.assign(prompt, 1);
    sample.tokens.assign(length, 2);
    return sample;
}

/// Two groups of two; only the first has a signal.
std::vector<Sample> two_groups() {
    return {make_sample(1.1, 3, 5), make_sample(0, 3, 9, false), make_sample(0.1, 4, 2),
            make_sample(0.1, 4, 8)};
}

TEST(RolloutMetrics, MeansAreOverTheMembersAndSignalOverTheRollout) {
    const Metrics metrics = rollout_metrics(two_groups(), {0, 1, 2}, 2);
    EXPECT_DOUBLE_EQ(metric(metrics, "critic/rewards/mean"), 1.2 / 3);
    EXPECT_DOUBLE_EQ(metric(metrics, "reward/accuracy/mean"), 1.0 / 3);
    EXPECT_DOUBLE_EQ(metric(metrics, "reward/format/mean"), 2.0 / 3);
    EXPECT_DOUBLE_EQ(metric(metrics, "reward/zero_std_share"), 0.5);
    EXPECT_DOUBLE_EQ(metric(metrics, "response_length/mean"), 16.0 / 3);
    EXPECT_EQ(metric(metrics, "response_length/max"), 9);
    EXPECT_EQ(metric(metrics, "response_length/min"), 2);
    EXPECT_DOUBLE_EQ(metric(metrics, "response_length/clip_ratio"), 1.0 / 3);
    EXPECT_DOUBLE_EQ(metric(metrics, "prompt_length/mean"), 10.0 / 3);
    EXPECT_EQ(metric(metrics, "reward/verifier_errors"), 0);
}

TEST(RolloutMetrics, VerifierErrorsAreCounted) {
    std::vector<Sample> rollout = two_groups();
    rollout[1].verifier_error = true;
    rollout[3].verifier_error = true;
    EXPECT_EQ(metric(rollout_metrics(rollout, {0, 1, 2}, 2), "reward/verifier_errors"), 1);
}

TEST(RolloutDisagreement, RoundingIsNotReportedAndMoreIs) {
    EXPECT_EQ(rollout_disagreement(0), "");
    EXPECT_EQ(rollout_disagreement(0x1p-8), "");
    EXPECT_EQ(rollout_disagreement(0.05),
              "rollout and training differ by 0.05 in the probability of a token on average, which "
              "rounding does not explain (0.0195): this step is not on-policy");
}

TEST(TrainedRows, LastTokenOfASequenceIsNoRow) {
    EXPECT_EQ(trained_rows(two_groups(), {0, 3}), (3 + 5 - 1) + (4 + 8 - 1));
}

TEST(PhaseTimes, PhasesAddUpToTheStep) {
    PhaseTimes times;
    times.end_phase("rollout");
    times.end_phase("update");
    Metrics metrics;
    times.append_to(metrics, 100);
    EXPECT_NEAR(metric(metrics, "timing_s/rollout") + metric(metrics, "timing_s/update"),
                metric(metrics, "perf/time_per_step"), 1e-9);
    EXPECT_EQ(metric(metrics, "perf/total_num_tokens"), 100);
    EXPECT_DOUBLE_EQ(metric(metrics, "perf/throughput"),
                     100 / metric(metrics, "perf/time_per_step"));
}

}  // namespace
}  // namespace r1
