// SPDX-License-Identifier: Apache-2.0
// Rules between the keys of a large model and of its layout.
#include "tests/recipes/recipe_fixture.h"

namespace r1::testing {

namespace {

class ModelRules : public RecipeTest {
  protected:
    /// The first line of the report on kGood with further keys of its model.
    static std::string with_model(const std::string& keys) {
        return first(broken("model:", "model:" + keys));
    }
    static std::string with_parallel(const std::string& keys, const std::string& model = "") {
        return first(broken("model:", "parallel: {" + keys + "}\nmodel:" + model));
    }

  private:
    static std::string first(const std::string& text) {
        const std::string found = report(text);
        return found.substr(0, found.find('\n'));
    }
};

constexpr const char* kExperts =
    "\n  n_routed_experts: 4\n  num_experts_per_tok: 2\n  moe_intermediate_size: 8";
constexpr const char* kLatent =
    "\n  kv_lora_rank: 4\n  qk_nope_head_dim: 4\n  qk_rope_head_dim: 2\n  v_head_dim: 3";

}  // namespace

TEST_F(ModelRules, ExpertsNeedEachOther) {
    EXPECT_EQ(with_model(kExperts), "");
    EXPECT_EQ(with_model("\n  n_routed_experts: 4\n  moe_intermediate_size: 8"),
              "r.yaml:3:21: n_routed_experts 4 needs num_experts_per_tok, which is 0 "
              "(num_experts_per_tok is the default)");
    EXPECT_EQ(with_model("\n  n_shared_experts: 1"),
              "r.yaml:3:21: n_shared_experts 1 needs n_routed_experts, which is 0 "
              "(n_routed_experts is the default)");
    EXPECT_EQ(with_model("\n  first_k_dense_replace: 1"),
              "r.yaml:3:26: first_k_dense_replace 1 needs n_routed_experts, which is 0 "
              "(n_routed_experts is the default)");
}

TEST_F(ModelRules, TokenTakesNoMoreExpertsThanThereAre) {
    EXPECT_EQ(with_model("\n  n_routed_experts: 4\n  num_experts_per_tok: 5\n"
                         "  moe_intermediate_size: 8"),
              "r.yaml:4:24: num_experts_per_tok 5 is more than n_routed_experts 4 "
              "(n_routed_experts is set at r.yaml:3:21)");
    EXPECT_EQ(with_model(std::string(kExperts) + "\n  first_k_dense_replace: 2"),
              "r.yaml:6:26: first_k_dense_replace 2 is more than num_hidden_layers 1 "
              "(num_hidden_layers is set at r.yaml:9:22)");
}

TEST_F(ModelRules, LatentAttentionNeedsItsWidths) {
    EXPECT_EQ(with_model("\n  kv_lora_rank: 4"),
              "r.yaml:3:17: kv_lora_rank 4 needs qk_nope_head_dim, which is 0 "
              "(qk_nope_head_dim is the default)");
    EXPECT_EQ(with_model("\n  q_lora_rank: 4"),
              "r.yaml:3:16: q_lora_rank 4 needs kv_lora_rank, which is 0 "
              "(kv_lora_rank is the default)");
    EXPECT_EQ(with_model("\n  kv_lora_rank: 4\n  qk_nope_head_dim: 4\n  qk_rope_head_dim: 3\n"
                         "  v_head_dim: 3"),
              "r.yaml:5:21: qk_rope_head_dim 3 is odd; it must be even");
}

TEST_F(ModelRules, LatentAttentionHasHeadsOfItsOwnWidth) {
    // hidden_size 9 is no multiple of 2 heads, and need not be.
    const Recipe recipe = load(broken("hidden_size: 8", std::string("hidden_size: 9") + kLatent));
    EXPECT_EQ(recipe.model.num_key_value_heads, 2);
    EXPECT_EQ(recipe.model.head_dim, 6);
    EXPECT_EQ(load(freeze_recipe(recipe)), recipe);
}

TEST_F(ModelRules, RanksAreAMultipleOfOneCopyOfTheModel) {
    EXPECT_EQ(with_parallel("tensor: 2"),
              "r.yaml:2:20: ranks 1 is not a multiple of tensor x pipeline, 2 x 1 = 2 "
              "(ranks is the default)");
    const std::string stage = broken("kind: sft", "kind: sft\n    resources: {ranks: 3}");
    EXPECT_NE(report(stage, {"parallel.tensor=2", "resources.ranks=2"})
                  .find("r.yaml:10:24: ranks 3 is not a multiple of tensor x pipeline, 2 x 1 = 2 "
                        "(tensor is set at --set[1]:1:17)"),
              std::string::npos);
}

TEST_F(ModelRules, RanksOfANodeAreAMultipleOfThoseThatShareAMatrix) {
    const auto with_node = [&](const std::string& resources) {
        return report("resources: {" + resources + "}\n" +
                      broken("model:", "parallel: {tensor: 2}\nmodel:"));
    };
    EXPECT_EQ(with_node("ranks: 6, ranks_per_node: 2"), "");
    EXPECT_EQ(with_node("ranks: 2, ranks_per_node: 5"), "");  // no more than there are
    EXPECT_NE(with_node("ranks: 6, ranks_per_node: 3")
                  .find("r.yaml:1:39: ranks_per_node 3 is not a multiple of tensor 2: the ranks "
                        "that share a matrix must be on one node (tensor is set at r.yaml:3:20)"),
              std::string::npos)
        << with_node("ranks: 6, ranks_per_node: 3");
}

TEST_F(ModelRules, HeadsAndLayersAreEnoughForTheLayout) {
    const std::string four = "resources: {ranks: 12}\n";
    EXPECT_NE(report(four + broken("model:", "parallel: {tensor: 3}\nmodel:"))
                  .find("r.yaml:3:20: tensor 3 does not divide num_attention_heads 2 "
                        "(num_attention_heads is set at r.yaml:8:24)"),
              std::string::npos);
    EXPECT_NE(report(four + broken("model:", "parallel: {pipeline: 2}\nmodel:"))
                  .find("r.yaml:3:22: pipeline 2 is more than num_hidden_layers 1 "
                        "(num_hidden_layers is set at r.yaml:7:22)"),
              std::string::npos);
}

TEST_F(ModelRules, ExpertRanksShareRanksAndExperts) {
    EXPECT_EQ(with_parallel("expert: 2", kExperts),
              "r.yaml:2:20: expert 2 does not divide the data-parallel ranks, 1 / (1 x 1) = 1 "
              "(ranks is the default)");
    EXPECT_NE(report(broken("model:", std::string("resources: {ranks: 6}\nparallel: {expert: 3}\n"
                                                  "model:") +
                                          kExperts))
                  .find("r.yaml:3:20: expert 3 does not divide n_routed_experts 4 "
                        "(n_routed_experts is set at r.yaml:5:21)"),
              std::string::npos);
    EXPECT_NE(report(broken("model:", "resources: {ranks: 2}\nparallel: {expert: 2}\nmodel:"))
                  .find("r.yaml:3:20: expert 2 has no experts to share: n_routed_experts is 0 "
                        "(n_routed_experts is the default)"),
              std::string::npos);
}

TEST_F(ModelRules, TaskOfAFileNeedsTheFileAndNoOtherTaskHasOne) {
    EXPECT_NE(report(broken("stages:", "task: {kind: file}\nstages:"))
                  .find("r.yaml:7:14: a task of kind file needs 'data', a JSONL file of prompts "
                        "and answers (data is the default)"),
              std::string::npos);
    EXPECT_NE(report(broken("stages:", "task: {data: a.jsonl}\nstages:"))
                  .find("r.yaml:7:14: data is for a task of kind file only (kind is the default)"),
              std::string::npos);
    const Recipe recipe = load(broken("stages:", "task: {kind: file, data: a.jsonl}\nstages:"));
    EXPECT_EQ(recipe.task.data, (std::filesystem::current_path() / "a.jsonl").string());
}

TEST_F(ModelRules, PreferenceBeginsOnlyWhereItCounts) {
    EXPECT_NE(report(broken("stages:", "rewards: {preference_from_step: 5}\nstages:"))
                  .find("r.yaml:7:33: preference_from_step has no effect while preference is 0 "
                        "(preference is the default)"),
              std::string::npos);
    EXPECT_EQ(report(broken("stages:",
                            "rewards: {preference: 1, preference_from_step: 5}\n"
                            "stages:")),
              "");
}

TEST_F(ModelRules, SampleStageMayStartFromGivenWeights) {
    const std::string sample = "  - name: s\n    kind: sample\n    steps: 1\n";
    const Recipe recipe = load(broken("model:", "model:\n  weights: v3") + sample);
    EXPECT_EQ(recipe.model.weights, (std::filesystem::current_path() / "v3").string());
}

}  // namespace r1::testing
