// SPDX-License-Identifier: Apache-2.0
// The shipped recipes of DeepSeek-R1 hold what the papers print (arXiv 2501.12948v2 and Nature
// 645).
#include "recipes/trainable.h"
#include "tests/recipes/recipe_fixture.h"

namespace r1::testing {

namespace {

Recipe shipped(const std::string& name) {
    return load_recipe(std::filesystem::path(R1_RECIPES_FOLDER) / "deepseek-r1" / (name + ".yaml"));
}

/// What both runs of reinforcement learning and R1-Zero share.
void expect_published_batch(const StageSection& stage) {
    EXPECT_EQ(stage.kind, StageKind::kGrpo);
    EXPECT_EQ(stage.prompts_per_step, 32);
    EXPECT_EQ(stage.group_size, 16);
    EXPECT_EQ(stage.rollout_size, 8192);
    EXPECT_EQ(stage.inner_epochs, 1);
    EXPECT_EQ(stage.kl_coefficient, 0.001);
    EXPECT_EQ(stage.kl_estimator, KlEstimator::kK3);
    EXPECT_EQ(stage.reference_every, 400);
    EXPECT_EQ(stage.optimizer.learning_rate, 3e-6);
    EXPECT_EQ(stage.sampling.max_new_tokens, 32768);
}

void expect_published_sft(const StageSection& stage) {
    EXPECT_EQ(stage.kind, StageKind::kSft);
    EXPECT_EQ(stage.batch_size, 64);
    EXPECT_EQ(stage.optimizer.schedule, Schedule::kCosine);
    EXPECT_EQ(stage.optimizer.final_learning_rate_ratio, 0.1);
}

}  // namespace

TEST(DeepSeekR1, ZeroHasThePublishedSettings) {
    const Recipe recipe = shipped("r1-zero");
    ASSERT_EQ(recipe.stages.size(), 1u);
    const StageSection& stage = recipe.stages[0];
    expect_published_batch(stage);
    EXPECT_EQ(stage.steps, 10400);
    EXPECT_EQ(stage.max_new_tokens_after, 65536);
    EXPECT_EQ(stage.max_new_tokens_switch_step, 8200);
    EXPECT_EQ(stage.sampling.temperature, 1);
    EXPECT_EQ(recipe.rewards.accuracy, recipe.rewards.format);
    EXPECT_EQ(recipe.rewards.language, 0);
    EXPECT_EQ(recipe.rewards.preference, 0);
}

TEST(DeepSeekR1, BothStagesOfReinforcementLearningHaveThePublishedSettings) {
    const Recipe first = shipped("rl-1");
    expect_published_batch(first.stages.at(0));
    EXPECT_EQ(first.stages[0].clip_low, 10);
    EXPECT_EQ(first.stages[0].clip_high, 10);
    EXPECT_EQ(first.stages[0].sampling.temperature, 1);
    EXPECT_EQ(first.stages[0].max_new_tokens_after, 0);
    EXPECT_GT(first.rewards.language, 0);
    EXPECT_EQ(first.rewards.preference, 0);

    const Recipe second = shipped("rl-2");
    expect_published_batch(second.stages.at(0));
    EXPECT_EQ(second.stages[0].steps, 1700);
    EXPECT_EQ(second.stages[0].clip_high, 10);
    EXPECT_EQ(second.stages[0].sampling.temperature, 0.7);
    EXPECT_GT(second.rewards.preference, 0);
    EXPECT_EQ(second.stages[0].steps - second.rewards.preference_from_step, 400);
}

TEST(DeepSeekR1, SupervisedStagesHaveThePublishedSettings) {
    expect_published_sft(shipped("cold-start-sft").stages.at(0));
    const StageSection sft = shipped("sft").stages.at(0);
    expect_published_sft(sft);
    EXPECT_EQ(sft.optimizer.learning_rate, 5e-6);
    EXPECT_EQ(sft.expected_tokens, 5355);
    // 804,745 samples twice in steps of 64, the last of them not full.
    EXPECT_EQ(sft.steps, (804745 * 2 + 63) / 64);
}

TEST(DeepSeekR1, DistillationsHaveThePublishedLearningRates) {
    const std::vector<std::pair<std::string, double>> rates{
        {"qwen-1.5b", 1e-4}, {"qwen-7b", 8e-5},  {"llama-8b", 5e-5},
        {"qwen-14b", 7e-5},  {"qwen-32b", 6e-5}, {"llama-70b", 2e-5}};
    for (const auto& [name, rate] : rates) {
        const StageSection stage = shipped("distill-" + name).stages.at(0);
        expect_published_sft(stage);
        EXPECT_EQ(stage.optimizer.learning_rate, rate) << name;
        EXPECT_EQ(stage.steps, (804745 * 2 + 63) / 64) << name;
    }
}

TEST(DeepSeekR1, PipelineIsTrainedFromDeepSeekV3On512Gpus) {
    for (const char* name :
         {"r1-zero", "cold-start-sft", "rl-1", "rejection-sampling", "sft", "rl-2"}) {
        const Recipe recipe = shipped(name);
        EXPECT_EQ(recipe.resources.ranks, 512) << name;
        EXPECT_EQ(recipe.resources.ranks_per_node, 8) << name;
        EXPECT_EQ(recipe.resources.gpu_type, "h800") << name;
        EXPECT_EQ(recipe.cost.price_per_gpu_hour, parse_hourly_price("2.00")) << name;
        EXPECT_EQ(recipe.model.n_routed_experts, 256) << name;
        EXPECT_EQ(recipe.model.num_hidden_layers, 61) << name;
        EXPECT_EQ(recipe.model.head_dim, 192) << name;
        EXPECT_EQ(recipe.evaluation.temperature, 0.6) << name;
    }
}

TEST(DeepSeekR1, WhatCannotBeTrainedYetIsNamed) {
    std::vector<std::string> keys;
    for (const Untrainable& limit : untrainable(shipped("rl-2"))) keys.push_back(limit.key);
    EXPECT_EQ(keys, (std::vector<std::string>{"model.weights", "model.vocab_size",
                                              "model.n_routed_experts", "model.kv_lora_rank",
                                              "task.kind", "rewards.language", "rewards.preference",
                                              "parallel.pipeline", "parallel.expert"}));
}

}  // namespace r1::testing
