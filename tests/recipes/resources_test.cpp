// SPDX-License-Identifier: Apache-2.0
// `resources` of a recipe, and of a stage of it.
#include "tests/recipes/recipe_fixture.h"

namespace r1::testing {

using RecipeResources = RecipeTest;

/// The resources of two stages: the second has some of its own.
constexpr std::string_view kTwo = R"(name: r
resources:
  ranks: 8
  ranks_per_node: 4
  gpu_type: h800
  time_limit: 24h
  max_attempts: 9
model: {hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1, num_attention_heads: 2}
stages:
  - {name: sft, kind: sft, steps: 10}
  - name: rl
    kind: grpo
    from: sft
    steps: 10
    resources:
      ranks: 16
      time_limit: 2h
)";

TEST_F(RecipeResources, DefaultsAskForNothingOfACluster) {
    const ResourcesSection resources = load(kGood).resources;
    EXPECT_EQ(resources.ranks_per_node, 0);
    EXPECT_EQ(resources.gpu_type, "");
    EXPECT_EQ(resources.max_attempts, 0);
    EXPECT_EQ(resources.attempts_without_progress, 5);
    EXPECT_EQ(resources.watchdog.seconds, 30 * 60);
}

TEST_F(RecipeResources, EachKeyHasItsRange) {
    const auto resources = [](const std::string& text) {
        const std::string whole = report(broken("model:", "resources: {" + text + "}\nmodel:"));
        return whole.substr(0, whole.find('\n'));
    };
    EXPECT_EQ(resources("ranks_per_node: 4096, attempts_without_progress: 1000, watchdog: 0s"), "");
    EXPECT_EQ(resources("ranks_per_node: 4097"),
              "r.yaml:2:29: ranks_per_node must be from 0 to 4096, not '4097'");
    EXPECT_EQ(resources("max_attempts: -1"),
              "r.yaml:2:27: max_attempts must be from 0 to 1000000, not '-1'");
    EXPECT_EQ(resources("attempts_without_progress: 0"),
              "r.yaml:2:40: attempts_without_progress must be from 1 to 1000, not '0'");
    EXPECT_NE(resources("watchdog: 30").find("watchdog: "), std::string::npos);
    EXPECT_EQ(resources("gpu_type: nvidia_h100_80gb.x-1"), "");
    for (const std::string value : {"h100:8", "-x", "a b", "\"h;rm\"", "\"a,b\"", "\"\xC3\xA9\""})
        EXPECT_NE(resources("gpu_type: " + value).find("is not Slurm's name of a GPU"),
                  std::string::npos)
            << value;
}

TEST_F(RecipeResources, StageTakesFromTheRunWhatItDoesNotSet) {
    const Recipe recipe = load(kTwo);
    EXPECT_EQ(recipe.resources_of(recipe.stages[0]), recipe.resources);
    EXPECT_EQ(recipe.stages[0].resources, std::nullopt);
    ResourcesSection expected = recipe.resources;
    expected.ranks = 16;
    expected.time_limit = {2 * 3600};
    EXPECT_EQ(recipe.resources_of(recipe.stages[1]), expected);
    EXPECT_EQ(expected.max_attempts, 9);
}

TEST_F(RecipeResources, OverrideReachesTheStageOrAllThatDoNotSetTheKey) {
    const Recipe recipe = load(
        kTwo, {"resources.ranks=32", "resources.gpu_type=h20", "stages.sft.resources.device=cpu"});
    EXPECT_EQ(recipe.stages[0].resources->device, DeviceKind::kCpu);
    EXPECT_EQ(recipe.stages[0].resources->ranks, 32);
    EXPECT_EQ(recipe.stages[1].resources->ranks, 16);
    EXPECT_EQ(recipe.stages[1].resources->gpu_type, "h20");
    EXPECT_EQ(recipe.stages[1].resources->device, DeviceKind::kAuto);
}

TEST_F(RecipeResources, StageOfEveryKindMayHaveThem) {
    const Recipe recipe = load(
        std::string(kTwo) + "  - {name: more, kind: sample, from: rl, steps: 1, resources: {}}\n");
    EXPECT_EQ(recipe.stages[2].resources, recipe.resources);
}

TEST_F(RecipeResources, FrozenRecipeHoldsTheFinalValues) {
    const Recipe recipe = load(kTwo);
    const std::string frozen = freeze_recipe(recipe);
    EXPECT_NE(frozen.find("    resources:\n      ranks: 16\n      ranks_per_node: 4\n"
                          "      threads_per_rank: 1\n      device: auto\n      gpu_type: h800\n"
                          "      time_limit: 2h\n    optimizer:\n"),
              std::string::npos)
        << frozen;
    EXPECT_EQ(load(frozen), recipe);
}

TEST_F(RecipeResources, KeysOfTheRunAreRefusedInAStage) {
    EXPECT_EQ(
        report(broken("kind: sft", "kind: sft\n    resources:\n      watchdog: 1m")),
        "r.yaml:11:7: unknown key 'watchdog' here; it belongs to the whole run: set it in the "
        "recipe's own section of this name\n        watchdog: 1m\n        ^");
    EXPECT_NE(
        report(kGood, {"stages.sft.resources.max_attempts=3"})
            .find("--set[1]:1:22: unknown key 'max_attempts' here; it belongs to the whole run"),
        std::string::npos);
    EXPECT_NE(report(broken("kind: sft", "kind: sft\n    resources: {rank: 2}"))
                  .find("unknown key 'rank'; did you mean 'ranks'?"),
              std::string::npos);
}

TEST_F(RecipeResources, RefusedValueOfAStageIsComplainedOfOnce) {
    EXPECT_EQ(report(broken("kind: sft", "kind: sft\n    resources: {ranks: 0}")),
              "r.yaml:10:24: ranks must be from 1 to 65536, not '0'\n"
              "      resources: {ranks: 0}\n                         ^");
}

}  // namespace r1::testing
