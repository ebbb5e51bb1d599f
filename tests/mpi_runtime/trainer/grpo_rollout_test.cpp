// SPDX-License-Identifier: Apache-2.0
// What must not change when the work is cut in other pieces.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1 {
namespace {

using test::metric;
using test::TinyGrpo;

/// Two updates on one rollout.
struct TwoUpdates {
    explicit TwoUpdates(std::vector<std::string> overrides) {
        for (const char* text : {".inner_epochs=2", ".kl_coefficient=0.05", ".shuffle_rewards=true",
                                 ".sampling.max_new_tokens=14"})
            overrides.emplace_back(text);
        TinyGrpo rl(overrides);
        first = test::without_times(rl.stage->step(0));
        samples = test::packed_rollout(rl.run, *rl.stage);
        second = test::without_times(rl.stage->step(1));
    }
    Metrics first, second;
    std::string samples;
};

void expect_close(const Metrics& actual, const Metrics& expected) {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(actual[i].first, expected[i].first);
        EXPECT_NEAR(actual[i].second, expected[i].second,
                    1e-5 * std::abs(expected[i].second) + 1e-9)
            << expected[i].first;
    }
}

TEST(GrpoStage, MicroBatchesChangeNeitherSamplesNorLossNorGradient) {
    const TwoUpdates expected({});
    EXPECT_GT(metric(expected.first, "actor/grad_norm"), 0);
    for (const char* tokens : {"1", "60", "100000"}) {
        const TwoUpdates other({std::string("training.micro_batch_tokens=") + tokens});
        EXPECT_EQ(other.samples, expected.samples);
        expect_close(other.first, expected.first);
        expect_close(other.second, expected.second);
    }
}

TEST(GrpoStage, DecodingBatchAndPagesChangeNoBit) {
    const TwoUpdates expected({});
    for (const char* batch : {"1", "3", "16"})
        for (const char* page : {"1", "16"}) {
            const TwoUpdates other({std::string("rollout.batch_size=") + batch,
                                    std::string("rollout.page_tokens=") + page});
            EXPECT_EQ(other.samples, expected.samples) << batch << ' ' << page;
            EXPECT_EQ(other.first, expected.first) << batch << ' ' << page;
            EXPECT_EQ(other.second, expected.second) << batch << ' ' << page;
        }
}

/// A rollout of 64 outputs whose sequences all weigh the same, at learning rate 0.
std::vector<std::string> of_sixty_four(const std::string& prompts_per_step) {
    return {".prompts_per_step=" + prompts_per_step,
            ".rollout_size=64",
            ".aggregation=seq-mean-token-sum",
            ".inner_epochs=2",
            ".optimizer.learning_rate=0",
            ".shuffle_rewards=true"};
}

void add_to(std::vector<double>& sum, const std::vector<float>& values) {
    sum.resize(values.size(), 0);
    for (std::size_t i = 0; i < values.size(); ++i) sum[i] += static_cast<double>(values[i]);
}

TEST(GrpoStage, EveryEpochTakesEachSampleOnceInMiniBatchesOfAnotherSplit) {
    // The mean of four mini-batches' gradients is that of the rollout only if they cover it.
    TinyGrpo whole(of_sixty_four("16"));
    whole.stage->step(0);
    const std::vector<float> expected = test::gradients_of(*whole.stage);
    double largest = 0;
    for (const float value : expected)
        largest = std::max(largest, std::abs(static_cast<double>(value)));
    ASSERT_GT(largest, 0);

    TinyGrpo parts(of_sixty_four("4"));
    std::vector<std::vector<float>> first_of_epoch;
    for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
        std::vector<double> sum;
        for (std::int64_t step = epoch * 4; step < epoch * 4 + 4; ++step) {
            parts.stage->step(step);
            const std::vector<float> gradient = test::gradients_of(*parts.stage);
            if (step == epoch * 4) first_of_epoch.push_back(gradient);
            add_to(sum, gradient);
        }
        for (std::size_t i = 0; i < expected.size(); ++i)
            ASSERT_NEAR(sum[i] / 4, static_cast<double>(expected[i]), 1e-5 * largest);
    }
    EXPECT_NE(first_of_epoch[0], first_of_epoch[1]);
}

TEST(GrpoStage, ShuffledRewardsMoveAdvantagesAndNothingElse) {
    TinyGrpo plain({".inner_epochs=2"});
    TinyGrpo shuffled({".inner_epochs=2", ".shuffle_rewards=true"});
    plain.stage->step(0);
    shuffled.stage->step(0);
    const std::vector<Sample> a = unpack_samples(test::packed_rollout(plain.run, *plain.stage));
    const std::vector<Sample> b =
        unpack_samples(test::packed_rollout(shuffled.run, *shuffled.stage));
    ASSERT_EQ(a.size(), b.size());
    int moved = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(a[i].tokens, b[i].tokens);
        EXPECT_EQ(a[i].reward, b[i].reward);
        moved += a[i].advantage != b[i].advantage ? 1 : 0;
    }
    EXPECT_GT(moved, 0);
}

TEST(GrpoStage, SwitchOfTheLimitWithinARolloutWaitsForTheNext) {
    // The switch is due at step 1, in the middle of the rollout of steps 0 and 1. At learning rate
    // 0 both epochs then have the same loss, and so the same denominator.
    TinyGrpo rl({".inner_epochs=2", ".optimizer.learning_rate=0", ".shuffle_rewards=true",
                 ".aggregation=seq-mean-token-sum-norm", ".sampling.max_new_tokens=12",
                 ".max_new_tokens_after=20", ".max_new_tokens_switch_step=1"});
    const double norm = metric(rl.stage->step(0), "actor/grad_norm");
    EXPECT_GT(norm, 0);
    EXPECT_EQ(metric(rl.stage->step(1), "actor/grad_norm"), norm);
}

}  // namespace
}  // namespace r1
