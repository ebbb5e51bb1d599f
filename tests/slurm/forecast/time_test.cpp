// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "slurm/forecast/machine.h"
#include "tests/slurm/forecast/forecast_fixture.h"

namespace r1 {
namespace {

using testing::deepseek_v3;
using testing::dense;
using testing::perfect;
using testing::round_device;
using testing::small_model;

const Layout kGpu{1, 1, 1, true};

double seconds_of(const StageForecast& stage, const std::string& name) {
    for (const PhaseForecast& phase : stage.phases)
        if (phase.name == name) return phase.seconds;
    return 0;
}

StageForecast foresee(const Recipe& recipe, std::size_t stage, const Layout& layout = kGpu,
                      const Efficiencies& efficiencies = perfect()) {
    return forecast_stage(recipe, recipe.stages[stage], layout, round_device(), efficiencies);
}

TEST(PhaseTime, TheLongestDemandOfEachPartCounts) {
    PhaseTime time;
    time.add({3, 2, 1});
    time.add({1, 1, 5});
    time.add_overhead(0.5);
    EXPECT_DOUBLE_EQ(time.seconds(), 8.5);
    EXPECT_EQ(time.bound(), "network");
}

TEST(Decoding, PlacesStayFullUntilTheLastOutputs) {
    const Lengths lengths{10, 20, 50};
    const Decoding decoding = decoding_of(100, 10, lengths, 2);
    EXPECT_DOUBLE_EQ(decoding.longest, 40);
    EXPECT_DOUBLE_EQ(decoding.iterations, 90 * 20 / 10.0 + 40);
    EXPECT_DOUBLE_EQ(decoding.tokens, 2000);
    EXPECT_DOUBLE_EQ(decoding_of(4, 10, lengths, 2).iterations, 40);
}

TEST(Decoding, NoOutputIsLongerThanTheLimit) {
    EXPECT_DOUBLE_EQ(decoding_of(1000, 1000, {10, 20, 50}, 0).longest, 50);
    // H(4) is 25/12.
    EXPECT_NEAR(decoding_of(4, 10, {10, 20, 50}, 0).longest, 20 * 25 / 12.0, 0.2);
}

TEST(Time, OfAnUpdateIsSixFlopsAParameterAndToken) {
    Recipe recipe = small_model();
    recipe.training.micro_batch_tokens = 1000000;
    recipe.stages[0].batch_size = 40000;
    // 12,050 parameters are multiplied with; a token attends to 12.5 others on average.
    const double token = 3 * (2 * 12050 + 12.5 * 2 * 2 * (10 + 10));
    const double optimizer = (2 + 7) * 4 * 22050;
    EXPECT_NEAR(seconds_of(foresee(recipe, 0), "update"), (40000 * 25 * token + optimizer) / 1e12,
                1e-9);
    EXPECT_EQ(foresee(recipe, 0).phases.front().bound, "flops");
}

TEST(Time, RecomputingAddsAForwardPass) {
    Recipe recipe = small_model();
    recipe.stages[0].batch_size = 40000;
    const double plain = seconds_of(foresee(recipe, 0), "update");
    recipe.training.recompute = true;
    EXPECT_NEAR(seconds_of(foresee(recipe, 0), "update") / plain, 4.0 / 3, 0.001);
}

TEST(Time, OfDecodingAFewSequencesIsThatOfReadingTheWeights) {
    Recipe recipe = small_model();
    recipe.stages[1].prompts_per_step = 1;
    recipe.stages[1].group_size = 2;
    recipe.stages[1].rollout_size = 2;
    Hardware device = round_device();
    device.flops = 1e18;
    Efficiencies efficiencies = perfect();
    efficiencies.longest_ratio = 1;
    const Machine machine(recipe, recipe.stages[1], kGpu, device, efficiencies);
    // All 16 iterations read the weights; each token reads what is cached of the 24 before it.
    const double bytes = 16 * 12050 * 2 + 2 * 16 * 24 * 40 * 2;
    const double prefill = 12050 * 2;
    const PhaseTime time = machine.rollout(2, 1, {16, 16, 16});
    EXPECT_NEAR(time.seconds(), (bytes + prefill) / 1e12, 1e-15);
    EXPECT_EQ(time.bound(), "memory bandwidth");
}

TEST(Time, ARolloutIsSpreadOverTheUpdatesThatItFeeds) {
    Recipe recipe = small_model();
    const double twice = seconds_of(foresee(recipe, 1), "rollout");
    recipe.stages[1].inner_epochs = 4;
    EXPECT_NEAR(seconds_of(foresee(recipe, 1), "rollout"), twice / 4, 1e-12);
    EXPECT_EQ(updates_of_rollout(recipe.stages[1]), 8);
}

TEST(Time, OfAnExchangeIsARingOverTheSlowestLink) {
    const Recipe recipe = small_model();
    // Gradients of 4 bytes and weights of 2; 15 of 16 parts leave a rank.
    EXPECT_NEAR(seconds_of(foresee(recipe, 0, {16, 2, 1, true}), "exchange"),
                22050 * 6.0 * 15 / 16 / 1e10, 1e-12);
    EXPECT_NEAR(seconds_of(foresee(recipe, 0, {8, 1, 1, true}), "exchange"),
                22050 * 6.0 * 7 / 8 / 1e11, 1e-12);
    EXPECT_EQ(seconds_of(foresee(recipe, 0), "exchange"), 0);
}

TEST(Time, LengthsGoAlongAStraightLine) {
    Recipe recipe = small_model();
    StageSection& stage = recipe.stages[1];
    stage.sampling.max_new_tokens = 1000;
    stage.expected_tokens = 100;
    stage.expected_tokens_last = 300;
    stage.steps = 101;
    EXPECT_DOUBLE_EQ(lengths_at(recipe, stage, 0, perfect()).output, 100);
    EXPECT_DOUBLE_EQ(lengths_at(recipe, stage, 50, perfect()).output, 200);
    EXPECT_DOUBLE_EQ(lengths_at(recipe, stage, 100, perfect()).output, 300);
    EXPECT_NEAR(foresee(recipe, 1).tokens_per_step, 8 * (16 + 200), 1e-6);
}

TEST(Time, TheLimitSwitchesWithItsStep) {
    Recipe recipe = small_model();
    StageSection& stage = recipe.stages[1];
    stage.expected_tokens = 0;
    stage.max_new_tokens_switch_step = 5;
    stage.max_new_tokens_after = 32;
    EXPECT_DOUBLE_EQ(lengths_at(recipe, stage, 4, perfect()).output, 16);
    EXPECT_DOUBLE_EQ(lengths_at(recipe, stage, 5, perfect()).output, 32);
    EXPECT_NEAR(foresee(recipe, 1).tokens_per_step, 8 * (16 + 24), 1e-6);
}

TEST(Time, GrowsWithWorkAndFallsWithRanks) {
    Recipe recipe = small_model();
    recipe.model = dense(512, 2048, 8, 8, 8, 64, 1000);
    const double one = foresee(recipe, 1).step_seconds;
    recipe.stages[1].prompts_per_step *= 8;
    recipe.stages[1].rollout_size *= 8;
    const double more = foresee(recipe, 1).step_seconds;
    EXPECT_GT(more, one);
    EXPECT_LT(foresee(recipe, 1, {4, 1, 1, true}).step_seconds, more);
    Efficiencies half = perfect();
    half.training = 0.5;
    half.decode = 0.5;
    EXPECT_GT(foresee(recipe, 1, kGpu, half).step_seconds, more);
}

TEST(Time, ExpertsOnOtherNodesTakeMessages) {
    Recipe recipe = small_model();
    recipe.model = deepseek_v3();
    recipe.parallel.expert = 64;
    const Layout layout{64, 8, 1, true};
    Hardware slow = *find_hardware("h800");
    slow.network_bandwidth = 1e9;
    const Machine machine(recipe, recipe.stages[0], layout, slow, perfect());
    const PhaseTime time = machine.training(1e5, 100);
    EXPECT_EQ(time.bound(), "network");
    // 58 blocks, there and back, forward and backward, a copy for each of 7 other nodes of 8.
    EXPECT_NEAR(time.seconds(), 58 * 2 * 2 * 1e5 * 7168 * 2 * 8 * 7.0 / 8 / 1e9, 1);
}

TEST(Run, IsTheSumOfItsParts) {
    Efficiencies efficiencies = perfect();
    efficiencies.step_seconds = 2;
    efficiencies.start_seconds = 7;
    efficiencies.save_seconds = 1;
    const RunForecast run = forecast_run(small_model(), kGpu, round_device(), efficiencies);
    ASSERT_EQ(run.stages.size(), 2U);
    EXPECT_NEAR(run.stages[0].seconds, 20, 0.01);
    EXPECT_NEAR(run.save_seconds, 2, 0.01);
    EXPECT_DOUBLE_EQ(run.seconds, run.stages[0].seconds + run.stages[1].seconds +
                                      run.evaluation_seconds + run.save_seconds + 7);
}

TEST(Run, NamesWhatItAssumes) {
    Recipe recipe = small_model();
    recipe.stages[1].expected_tokens = 0;
    const RunForecast run = forecast_run(recipe, kGpu, round_device(), assumed_efficiencies(kGpu));
    const auto named = [&run](const std::string& text) {
        for (const std::string& sentence : run.assumptions)
            if (sentence.find(text) != std::string::npos) return true;
        return false;
    };
    EXPECT_TRUE(named("training 40% of the arithmetic peak"));
    EXPECT_TRUE(named("Stage rl: an output has 16 tokens, the longest there may be"));
    EXPECT_FALSE(named("Stage sft"));
}

}  // namespace
}  // namespace r1
