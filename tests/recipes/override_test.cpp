// SPDX-License-Identifier: Apache-2.0
// --set and `base:`.
#include "tests/recipes/recipe_fixture.h"

namespace r1::testing {

using RecipeOverride = RecipeTest;
using RecipeBase = RecipeTest;

TEST_F(RecipeOverride, SetsKeysByPathStageNameAndIndex) {
    const Recipe recipe = load(kGood, {"seed=7", "stages.rl.optimizer.learning_rate=1e-4",
                                       "stages.0.steps=3", "resources.time_limit=90m", "seed=8"});
    EXPECT_EQ(recipe.seed, 8u);
    EXPECT_EQ(recipe.stages[1].optimizer.learning_rate, 1e-4);
    EXPECT_EQ(recipe.stages[0].steps, 3);
    EXPECT_EQ(recipe.resources.time_limit.seconds, 5400);
}

TEST_F(RecipeOverride, ProblemsPointIntoTheArgument) {
    EXPECT_EQ(report(kGood, {"seed=1", "stages.rl.optimizer.beta1=2"}),
              "--set[2]:1:27: beta1 must be at least 0 and less than 1, not '2'\n"
              "  stages.rl.optimizer.beta1=2\n                            ^");
    EXPECT_EQ(report(kGood, {"model.hiden_size=4"}),
              "--set[1]:1:7: unknown key 'hiden_size'; did you mean 'hidden_size'?\n"
              "  model.hiden_size=4\n        ^");
    EXPECT_EQ(report(kGood, {"stages.rll.steps=4"}),
              "--set[1]:1:8: no stage is named 'rll'; did you mean 'rl'?\n"
              "  stages.rll.steps=4\n         ^");
    EXPECT_EQ(report(kGood, {"stages.2.steps=4"}),
              "--set[1]:1:8: no stage is named '2', and stages are counted from 0 to 1\n"
              "  stages.2.steps=4\n         ^");
    EXPECT_EQ(report(kGood, {"resources.time_limit=24:00"}),
              "--set[1]:1:22: time_limit: '24:00' could mean 24h0m or 24m0s; write the one you "
              "mean\n  resources.time_limit=24:00\n                       ^");
}

TEST_F(RecipeOverride, MalformedArgumentsAreRefused) {
    EXPECT_EQ(report(kGood, {"seed"}),
              "--set[1]:1:5: no '='; write key=value, as in model.hidden_size=128\n"
              "  seed\n      ^");
    EXPECT_EQ(report(kGood, {""}),
              "--set[1]:1:1: no '='; write key=value, as in model.hidden_size=128");
    EXPECT_EQ(report(kGood, {"=1"}), "--set[1]:1:1: a key is missing here\n  =1\n  ^");
    EXPECT_EQ(
        report(kGood, {"seed="}),
        "--set[1]:1:6: 'seed' has no value; write one or leave the key out\n  seed=\n       ^");
    EXPECT_EQ(report(kGood, {"model=1"}),
              "--set[1]:1:1: 'model' is a map; set a key of it, as in model.hidden_size=...\n"
              "  model=1\n  ^");
    EXPECT_EQ(report(kGood, {"seed.x=1"}),
              "--set[1]:1:6: 'seed' is a value and holds no keys\n  seed.x=1\n       ^");
    EXPECT_EQ(report(kGood, {"stages=1"}),
              "--set[1]:1:1: name a stage and a key, as in stages.NAME.steps=100\n  stages=1\n  ^");
    EXPECT_EQ(report(kGood, {"base=x"}),
              "--set[1]:1:1: 'base' cannot be set here; write it in the recipe\n  base=x\n  ^");
    EXPECT_EQ(report(kGood, {"seed=[1]"}),
              "--set[1]:1:6: seed needs a whole number, not a list\n  seed=[1]\n       ^");
    EXPECT_EQ(report(kGood, {"seed=\xFF"}),
              "--set[1]:1:6: byte \\xFF is not UTF-8, as a recipe must be\n"
              "  seed=\\xFF\n       ^");
}

TEST_F(RecipeOverride, RuleNamesTheArgumentAndTheFile) {
    EXPECT_EQ(
        report(kGood, {"stages.sft.optimizer.warmup_steps=11"}),
        "--set[1]:1:35: warmup_steps 11 is more than steps 10 (steps is set at r.yaml:10:12)\n"
        "  stages.sft.optimizer.warmup_steps=11\n                                    ^");
}

TEST_F(RecipeBase, MapsMergeByKeyAndStagesByName) {
    std::filesystem::create_directory("lib");
    write("lib/base.yaml", kGood);
    const Recipe recipe = load(
        "base: lib/base.yaml\nname: s\nmodel: {hidden_size: 12}\nstages:\n"
        "  - {name: rl, steps: 5}\n  - {name: more, kind: grpo, from: rl, steps: 1}\n");
    EXPECT_EQ(recipe.name, "s");
    EXPECT_EQ(recipe.model.hidden_size, 12);
    EXPECT_EQ(recipe.model.intermediate_size, 8);
    ASSERT_EQ(recipe.stages.size(), 3u);
    EXPECT_EQ(recipe.stages[1].steps, 5);
    EXPECT_EQ(recipe.stages[1].from, "sft");
    EXPECT_EQ(recipe.stages[2].name, "more");
}

TEST_F(RecipeBase, ErrorsPointIntoTheFileOfTheValue) {
    write("base.yaml", broken("hidden_size: 8", "hidden_size: 9"));
    EXPECT_EQ(report("base: base.yaml\nmodel: {num_attention_heads: 4}\nsede: 1\n"),
              "r.yaml:3:1: unknown key 'sede'; did you mean 'seed'?\n  sede: 1\n  ^\n"
              "base.yaml:3:16: hidden_size 9 is not a multiple of num_attention_heads 4 "
              "(num_attention_heads is set at r.yaml:2:30)\n"
              "    hidden_size: 9\n                 ^");
}

TEST_F(RecipeBase, SecondStageOfOneNameIsNotMergedAway) {
    write("base.yaml", kGood);
    EXPECT_NE(report("base: base.yaml\nstages:\n  - {name: rl, steps: 5}\n"
                     "  - {name: rl, kind: grpo, steps: 6}\n")
                  .find("two stages are named 'rl'"),
              std::string::npos);
}

TEST_F(RecipeBase, MissingBaseAndCycleAreRefused) {
    EXPECT_EQ(report("base: no.yaml\n"),
              "r.yaml:1:7: 'no.yaml': cannot open the recipe: No such file or directory\n"
              "  base: no.yaml\n        ^");
    EXPECT_EQ(report("base: [a]\n"),
              "r.yaml:1:7: base needs the path of a recipe file\n  base: [a]\n        ^");
    write("b.yaml", "base: ./r.yaml\n");
    EXPECT_EQ(report("base: b.yaml\n"),
              "b.yaml:1:7: base leads back to 'r.yaml': a recipe cannot refine itself\n"
              "  base: ./r.yaml\n        ^");
}

TEST_F(RecipeBase, ChainOfEightIsTheLongest) {
    for (int i = 1; i < 9; ++i)
        write(std::to_string(i) + ".yaml", "base: " + std::to_string(i + 1) + ".yaml\n");
    write("8.yaml", kGood);
    EXPECT_EQ(report("base: 1.yaml\n"), "");
    write("8.yaml", "base: 9.yaml\n");
    write("9.yaml", kGood);
    EXPECT_EQ(report("base: 1.yaml\n"),
              "8.yaml:1:7: more than 8 recipes refine each other\n  base: 9.yaml\n        ^");
}

TEST_F(RecipeBase, DataFileIsRelativeToTheRecipeThatNamesIt) {
    std::filesystem::create_directory("lib");
    write("lib/base.yaml", broken("kind: sft", "kind: sft\n    data: x.jsonl"));
    EXPECT_EQ(load("base: lib/base.yaml\n").stages[0].data,
              (std::filesystem::current_path() / "lib/x.jsonl").string());
}

}  // namespace r1::testing
