// SPDX-License-Identifier: Apache-2.0
// Rules between keys: the message names both places.
#include "tests/recipes/recipe_fixture.h"

namespace r1::testing {

using RecipeRules = RecipeTest;

/// The first line of a report.
std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

/// How often a text stands in another.
int count_of(const std::string& text, const std::string& part) {
    int count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

TEST_F(RecipeRules, HiddenSizeIsAMultipleOfTheHeads) {
    EXPECT_EQ(report(broken("hidden_size: 8", "hidden_size: 9")),
              "r.yaml:3:16: hidden_size 9 is not a multiple of num_attention_heads 2 "
              "(num_attention_heads is set at r.yaml:6:24)\n"
              "    hidden_size: 9\n                 ^");
}

TEST_F(RecipeRules, HeadDimIsEven) {
    EXPECT_EQ(first_line(report(broken("hidden_size: 8", "hidden_size: 6"))),
              "r.yaml:3:16: hidden_size / num_attention_heads is 3; the width of a head must be "
              "even (num_attention_heads is set at r.yaml:6:24)");
    EXPECT_EQ(first_line(report(broken("hidden_size: 8", "hidden_size: 9\n  head_dim: 5"))),
              "r.yaml:4:13: head_dim 5 is odd; it must be even");
    EXPECT_EQ(report(broken("hidden_size: 8", "hidden_size: 9\n  head_dim: 4")), "");
}

TEST_F(RecipeRules, HeadsAreAMultipleOfKeyValueHeads) {
    EXPECT_EQ(first_line(report(broken("model:", "model:\n  num_key_value_heads: 3"))),
              "r.yaml:3:24: num_attention_heads 2 is not a multiple of num_key_value_heads 3 "
              "(num_attention_heads is set at r.yaml:7:24)");
}

TEST_F(RecipeRules, RefusedValueIsNotComplainedOfTwice) {
    EXPECT_EQ(first_line(report(broken("num_attention_heads: 2", "num_attention_heads: two"))),
              "r.yaml:6:24: num_attention_heads needs a whole number, not 'two'");
}

TEST_F(RecipeRules, RolloutIsAMultipleOfOneUpdate) {
    EXPECT_EQ(first_line(report(broken("from: sft", "from: sft\n    rollout_size: 100"))),
              "r.yaml:14:19: rollout_size 100 is not a multiple of prompts_per_step x group_size, "
              "32 x 8 = 256 (group_size is the default)");
    EXPECT_EQ(load(broken("from: sft", "from: sft\n    rollout_size: 512")).stages[1].rollout_size,
              512);
}

TEST_F(RecipeRules, GroupOfOneIsRefused) {
    EXPECT_EQ(first_line(report(broken("from: sft", "from: sft\n    group_size: 1"))),
              "r.yaml:14:17: group_size 1 leaves a grpo stage nothing to compare an output with "
              "(kind is set at r.yaml:12:11)");
}

TEST_F(RecipeRules, WarmupEndsWithinTheStage) {
    EXPECT_EQ(
        first_line(report(broken("kind: sft", "kind: sft\n    optimizer: {warmup_steps: 11}"))),
        "r.yaml:10:31: warmup_steps 11 is more than steps 10 (steps is set at r.yaml:11:12)");
}

TEST_F(RecipeRules, OutputLeavesRoomForAPrompt) {
    EXPECT_EQ(first_line(report(broken("model:", "model:\n  max_position_embeddings: 64"))),
              "r.yaml:3:28: evaluation.max_new_tokens 64 leaves no room for a prompt in "
              "max_position_embeddings 64 (max_new_tokens is the default)");
    EXPECT_EQ(count_of(report(broken("model:", "model:\n  max_position_embeddings: 64")),
                       "evaluation.max_new_tokens"),
              1);
    EXPECT_EQ(first_line(report(broken("from: sft",
                                       "from: sft\n    max_new_tokens_after: 256\n"
                                       "    max_new_tokens_switch_step: 5"))),
              "r.yaml:14:27: max_new_tokens_after 256 leaves no room for a prompt in "
              "max_position_embeddings 256 (max_position_embeddings is the default)");
}

TEST_F(RecipeRules, LimitAfterASwitchNeedsTheSwitch) {
    EXPECT_NE(report(broken("from: sft", "from: sft\n    max_new_tokens_after: 70"))
                  .find("r.yaml:14:27: max_new_tokens_after and max_new_tokens_switch_step need "
                        "each other"),
              std::string::npos);
    EXPECT_NE(report(broken("from: sft", "from: sft\n    max_new_tokens_switch_step: 7"))
                  .find("r.yaml:14:33: max_new_tokens_after and max_new_tokens_switch_step need "
                        "each other"),
              std::string::npos);
    EXPECT_NE(report(broken("from: sft",
                            "from: sft\n    max_new_tokens_after: 70\n"
                            "    max_new_tokens_switch_step: 11"))
                  .find("max_new_tokens_switch_step 11 is more than steps 10"),
              std::string::npos);
}

TEST_F(RecipeRules, ReferenceNeedsAKlCoefficient) {
    EXPECT_EQ(first_line(report(broken("from: sft",
                                       "from: sft\n    reference_every: 5\n"
                                       "    kl_coefficient: 0"))),
              "r.yaml:14:22: reference_every has no effect while kl_coefficient is 0 "
              "(kl_coefficient is set at r.yaml:15:21)");
}

TEST_F(RecipeRules, WideClipOfTheR1PaperIsLegalAndDualClipIsChecked) {
    EXPECT_EQ(report(broken("from: sft", "from: sft\n    clip_low: 10\n    clip_high: 10")), "");
    EXPECT_EQ(first_line(report(broken("from: sft", "from: sft\n    dual_clip: 0.5"))),
              "r.yaml:14:16: dual_clip must be 0 (off) or more than 1");
}

TEST_F(RecipeRules, FlawOfTheTeacherIsForItsTask) {
    EXPECT_EQ(first_line(report(
                  broken("stages:", "task:\n  kind: sort\n  teacher_forget_carry: 0.5\nstages:"))),
              "r.yaml:9:25: teacher_forget_carry is for the addition task only "
              "(kind is set at r.yaml:8:9)");
    EXPECT_EQ(first_line(report(broken("stages:", "task:\n  min_items: 5\nstages:"))),
              "r.yaml:8:14: min_items 5 is more than max_items 3 (max_items is the default)");
}

TEST_F(RecipeRules, KOfPassAtKIsAtMostTheSamples) {
    EXPECT_EQ(first_line(report(broken("stages:", "evaluation: {k: 5}\nstages:"))),
              "r.yaml:7:17: k 5 is more than samples 4 (samples is the default)");
}

TEST_F(RecipeRules, StageNamesAreUnique) {
    EXPECT_EQ(report(broken("name: rl", "name: sft")),
              "r.yaml:11:11: two stages are named 'sft' (name is set at r.yaml:8:11)\n"
              "    - name: sft\n            ^");
}

TEST_F(RecipeRules, FromNamesAnEarlierStageWithWeights) {
    EXPECT_EQ(first_line(report(broken("from: sft", "from: stf"))),
              "r.yaml:13:11: no earlier stage is named 'stf'; did you mean 'sft'?");
    EXPECT_EQ(first_line(report(broken("from: sft", "from: rl"))),
              "r.yaml:13:11: a stage cannot build on itself");
    EXPECT_EQ(first_line(report(broken("kind: sft", "kind: sft\n    from: rl"))),
              "r.yaml:10:11: stage 'rl' comes later; a stage builds on earlier ones "
              "(name is set at r.yaml:12:11)");
    const std::string sampled = std::string(kGood) +
                                "  - name: s\n    kind: sample\n    from: rl\n    steps: 1\n"
                                "  - name: t\n    kind: sft\n    steps: 1\n";
    EXPECT_EQ(report(sampled), "");
    EXPECT_EQ(report(sampled + "    data: stage:s\n"), "");
    EXPECT_EQ(first_line(report(sampled + "    data: stage:rl\n")),
              "r.yaml:22:11: stage 'rl' is not a sample stage and makes no data "
              "(kind is set at r.yaml:12:11)");
    EXPECT_EQ(first_line(report(sampled + "    from: s\n")),
              "r.yaml:22:11: stage 's' samples and has no weights (kind is set at r.yaml:16:11)");
    EXPECT_EQ(
        first_line(report(std::string(kGood) + "  - name: s\n    kind: sample\n    steps: 1\n")),
        "r.yaml:16:11: a sample stage needs 'from', the stage whose model it samples, or "
        "model.weights "
        "(from is the default)");
}

TEST_F(RecipeRules, ModelOfAStageIsInheritedAndNeverMixed) {
    const std::string small =
        "{hidden_size: 4, intermediate_size: 4, num_hidden_layers: 1, num_attention_heads: 1}";
    EXPECT_EQ(first_line(report(broken("from: sft", "from: sft\n    model: " + small))),
              "r.yaml:14:26: this model differs from that of stage 'sft', whose weights it would "
              "start from (from is set at r.yaml:13:11)");
    const Recipe recipe = load(broken("kind: sft", "kind: sft\n    model: " + small));
    EXPECT_EQ(recipe.model_of(recipe.stages[1]).hidden_size, 4);
}

}  // namespace r1::testing
