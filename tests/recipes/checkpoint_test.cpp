// SPDX-License-Identifier: Apache-2.0
// `deterministic` and `checkpoint` of a recipe: when runs have the same bits, what is saved when.
#include "tests/recipes/recipe_fixture.h"

namespace r1::testing {

class RecipeCheckpoint : public RecipeTest {
  protected:
    /// The first line of what is wrong with the good recipe once it has these lines more.
    static std::string complaint_about(const std::string& lines) {
        const std::string whole = report(broken("model:", lines + "\nmodel:"));
        return whole.substr(0, whole.find('\n'));
    }
    static std::string complaint(const std::string& keys) {
        return complaint_about("checkpoint: {" + keys + "}");
    }
};
class RecipeDeterminism : public RecipeCheckpoint {};

TEST_F(RecipeCheckpoint, DefaultsAreFilledIn) {
    const CheckpointSection checkpoint = load(kGood).checkpoint;
    EXPECT_EQ(checkpoint.interval, SaveInterval::kSteps);
    EXPECT_EQ(checkpoint.every_steps, 50);
    EXPECT_EQ(checkpoint.every_time.seconds, 30 * 60);
    EXPECT_EQ(checkpoint.mtbf_per_rank.seconds, std::int64_t{50000} * 3600);
    EXPECT_EQ(checkpoint.writers, Writers::kNode);
    EXPECT_EQ(checkpoint.write_rate.count, std::int64_t{512} << 20);
    EXPECT_EQ(checkpoint.max_failures, 3);
    EXPECT_EQ(checkpoint.keep_last, 2);
    EXPECT_EQ(checkpoint.keep_every, 0);
    EXPECT_EQ(checkpoint.keep_best, 0);
    EXPECT_EQ(checkpoint.best_metric, "pass@1");
    EXPECT_EQ(checkpoint.best_is, Best::kHighest);
}

TEST_F(RecipeCheckpoint, EveryKeySurvivesFreezing) {
    const Recipe recipe =
        load(broken("model:",
                    "deterministic: strict\ntraining: {gradient_shards: 12}\n"
                    "checkpoint: {interval: auto, every_time: 90s, mtbf_per_rank: 1000h, "
                    "writers: rank, write_rate: 0B, max_failures: 9, keep_every: 100, "
                    "keep_best: 2, best_metric: loss, best_is: lowest}\nmodel:"));
    EXPECT_EQ(recipe.deterministic, Determinism::kStrict);
    EXPECT_EQ(recipe.training.gradient_shards, 12);
    EXPECT_EQ(recipe.checkpoint.interval, SaveInterval::kAuto);
    EXPECT_EQ(recipe.checkpoint.mtbf_per_rank.seconds, 1000 * 3600);
    EXPECT_EQ(recipe.checkpoint.writers, Writers::kRank);
    EXPECT_EQ(recipe.checkpoint.write_rate.count, 0);
    EXPECT_EQ(recipe.checkpoint.best_is, Best::kLowest);
    EXPECT_EQ(load(freeze_recipe(recipe)), recipe) << freeze_recipe(recipe);
}

/// Recipes were frozen before these keys were there, and their runs still go on.
TEST_F(RecipeCheckpoint, FrozenRecipeWithoutTheKeysLoadsWithTheirDefaults) {
    const Recipe recipe = load(kGood);
    std::string old;
    const std::string frozen = freeze_recipe(recipe);
    int left_out = 0;
    for (std::size_t at = 0; at < frozen.size();) {
        const std::size_t end = frozen.find('\n', at) + 1;
        const std::string line = frozen.substr(at, end - at);
        at = end;
        bool later = false;
        for (const char* key :
             {"deterministic:", "  gradient_shards:", "  interval:", "  every_time:",
              "  mtbf_per_rank:", "  writers:", "  write_rate:", "  max_failures:", "  keep_every:",
              "  keep_best:", "  best_metric:", "  best_is:"})
            later = later || line.starts_with(key);
        if (later)
            ++left_out;
        else
            old += line;
    }
    EXPECT_EQ(left_out, 12);
    EXPECT_EQ(load(old), recipe) << old;
}

TEST_F(RecipeCheckpoint, IntervalNeedsItsTime) {
    EXPECT_EQ(complaint("interval: time, every_time: 1s"), "");
    EXPECT_EQ(complaint("every_time: 0s"), "");
    EXPECT_EQ(complaint("interval: time, every_time: 0s"),
              "r.yaml:2:42: every_time must be at least 1s for interval time (interval is set at "
              "r.yaml:2:24)");
    EXPECT_EQ(complaint("interval: auto, mtbf_per_rank: 0s"),
              "r.yaml:2:45: mtbf_per_rank must be at least 1s for interval auto (interval is set "
              "at r.yaml:2:24)");
    EXPECT_EQ(complaint("interval: minutes"),
              "r.yaml:2:24: interval cannot be 'minutes'; it is steps, time or auto");
}

TEST_F(RecipeCheckpoint, BestNeedsAMetric) {
    EXPECT_EQ(complaint("best_metric: \"\""), "");
    EXPECT_EQ(complaint("keep_best: 1"), "");
    EXPECT_EQ(complaint("keep_best: 1, best_metric: \"\""),
              "r.yaml:2:41: keep_best needs a best_metric, such as pass@1 (keep_best is set at "
              "r.yaml:2:25)");
}

TEST_F(RecipeCheckpoint, EachKeyHasItsRange) {
    EXPECT_EQ(complaint("max_failures: 0"),
              "r.yaml:2:28: max_failures must be from 1 to 1000000, not '0'");
    EXPECT_EQ(complaint("keep_best: 10001"),
              "r.yaml:2:25: keep_best must be from 0 to 10000, not '10001'");
    EXPECT_EQ(complaint("keep_every: -5"),
              "r.yaml:2:26: keep_every must be from 0 to 1000000000, not '-5'");
    EXPECT_NE(complaint("write_rate: 512").find("has no unit"), std::string::npos);
}

TEST_F(RecipeDeterminism, StrictRefusesRanksWithoutAShard) {
    EXPECT_EQ(complaint_about("resources: {ranks: 9}"), "");
    EXPECT_EQ(complaint_about("deterministic: strict\nresources: {ranks: 8}"), "");
    EXPECT_EQ(complaint_about("deterministic: strict\nresources: {ranks: 9}"),
              "r.yaml:3:20: ranks 9 is more than gradient_shards 8: strict mode would leave the "
              "ranks beyond nothing to do (gradient_shards is the default)");
    EXPECT_EQ(complaint_about("deterministic: strict\nresources: {ranks: 9}\n"
                              "training: {gradient_shards: 9}"),
              "");
    // Two that share a model work on one part.
    EXPECT_EQ(complaint_about("deterministic: strict\nresources: {ranks: 16}\n"
                              "parallel: {tensor: 2}"),
              "");
    EXPECT_EQ(complaint_about("deterministic: strict\nresources: {ranks: 18}\n"
                              "parallel: {tensor: 2}"),
              "r.yaml:3:20: ranks 18 / tensor 2 is more than gradient_shards 8: strict mode would "
              "leave the ranks beyond nothing to do (gradient_shards is the default)");
}

TEST_F(RecipeDeterminism, StrictLooksAtTheRanksOfAStage) {
    const std::string strict = broken("model:", "deterministic: strict\nmodel:");
    std::string stage = strict;
    stage.replace(stage.find("from: sft"), 9, "from: sft\n    resources: {ranks: 64}");
    const std::string whole = report(stage);
    EXPECT_NE(whole.find("ranks 64 is more than gradient_shards 8"), std::string::npos) << whole;
    EXPECT_EQ(whole.find("is more than"), whole.rfind("is more than")) << whole;
    EXPECT_EQ(report(strict), "");
}

}  // namespace r1::testing
