// SPDX-License-Identifier: Apache-2.0
#include "recipes/trainable.h"

#include "tests/recipes/recipe_fixture.h"

namespace r1::testing {

using Trainable = RecipeTest;

namespace {

std::vector<std::string> keys_of(const std::vector<Untrainable>& limits) {
    std::vector<std::string> keys;
    for (const Untrainable& limit : limits) keys.push_back(limit.key);
    return keys;
}

constexpr const char* kSmall =
    "hidden_size: 4, intermediate_size: 4, num_hidden_layers: 1, num_attention_heads: 2";

}  // namespace

TEST_F(Trainable, SmallRecipeHasNothingToRefuse) {
    EXPECT_TRUE(untrainable(load(kGood)).empty());
    EXPECT_TRUE(untrainable(load(kGood, {"parallel.zero=3", "parallel.tensor=2",
                                         "resources.ranks=2", "training.precision=bf16",
                                         "training.recompute=true", "model.vocab_size=261"}))
                    .empty());
    EXPECT_EQ(load_trainable_recipe("r.yaml"), load(kGood));
}

TEST_F(Trainable, NamesEveryKeyThatAsksForMore) {
    const Recipe recipe = load(
        kGood, {"resources.ranks=8", "model.weights=w", "model.vocab_size=1000",
                "model.n_routed_experts=4", "model.num_experts_per_tok=2",
                "model.moe_intermediate_size=8", "model.kv_lora_rank=4", "model.qk_nope_head_dim=4",
                "model.qk_rope_head_dim=2", "model.v_head_dim=4", "model.num_hidden_layers=2",
                "task.kind=file", "task.data=d.jsonl", "rewards.language=1", "rewards.preference=1",
                "parallel.tensor=2", "parallel.pipeline=2", "parallel.expert=2"});
    EXPECT_EQ(
        keys_of(untrainable(recipe)),
        (std::vector<std::string>{"model.weights", "model.vocab_size", "model.n_routed_experts",
                                  "model.kv_lora_rank", "task.kind", "rewards.language",
                                  "rewards.preference", "parallel.pipeline", "parallel.expert"}));
}

TEST_F(Trainable, PartsOfAModelThatRanksCannotShareAreNamed) {
    const auto limits = [&](const std::string& model) {
        return untrainable(load(kGood, {"parallel.tensor=2", "resources.ranks=2", model}));
    };
    EXPECT_TRUE(limits("model.num_key_value_heads=2").empty());
    const std::vector<Untrainable> heads = limits("model.num_key_value_heads=1");
    ASSERT_EQ(keys_of(heads), std::vector<std::string>{"parallel.tensor"});
    EXPECT_EQ(
        heads[0].why,
        "model.num_key_value_heads 1, which tensor 2 does not divide (take a divisor), cannot "
        "be trained yet");
    EXPECT_EQ(keys_of(limits("model.intermediate_size=9")),
              std::vector<std::string>{"parallel.tensor"});
}

TEST_F(Trainable, ModelOfAStageIsNamedOnceAndNotWhereItIsInherited) {
    const std::string model = std::string("{") + kSmall + ", vocab_size: 9}";
    const Recipe recipe = load(broken("kind: sft", "kind: sft\n    model: " + model));
    EXPECT_EQ(keys_of(untrainable(recipe)), std::vector<std::string>{"stages.0.model.vocab_size"});
    EXPECT_EQ(keys_of(untrainable(load(freeze_recipe(recipe)))),
              std::vector<std::string>{"stages.0.model.vocab_size"});
}

TEST_F(Trainable, ModelThatNoStageTrainsIsNotRefused) {
    const std::string model = std::string("{") + kSmall + "}";
    std::string text = broken("kind: sft", "kind: sft\n    model: " + model);
    EXPECT_TRUE(untrainable(load(text, {"model.vocab_size=9"})).empty());
}

TEST_F(Trainable, RefusalListsAllOfThemWhereTheyAreSet) {
    write("r.yaml", broken("stages:", "rewards:\n  preference: 1\nstages:"));
    try {
        load_trainable_recipe(
            "r.yaml", {"model.num_hidden_layers=2", "resources.ranks=2", "parallel.pipeline=2"});
        FAIL() << "expected RecipeError";
    } catch (const RecipeError& error) {
        EXPECT_EQ(error.code(), ExitCode::kUsage);
        EXPECT_STREQ(
            error.what(),
            "r.yaml:8:15: rewards.preference: a preference model's reward cannot be "
            "trained yet; `r1ctl plan` can plan it\n"
            "    preference: 1\n"
            "                ^\n"
            "--set[3]:1:19: parallel.pipeline: pipeline parallelism cannot be trained yet; "
            "`r1ctl plan` can plan it\n"
            "  parallel.pipeline=2\n"
            "                    ^");
    }
    EXPECT_EQ(load_recipe("r.yaml").rewards.preference, 1);
}

}  // namespace r1::testing
