// SPDX-License-Identifier: Apache-2.0
// The number of ranks changes neither what is sampled nor, but for the order of sums, the loss.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

constexpr double kTolerance = 1e-5;

class RankCount : public testing::TestWithParam<int> {
  protected:
    static std::vector<Json> metrics_on(int ranks, const std::string& recipe) {
        OneRun one(with(recipe, "ranks: 2", "ranks: " + std::to_string(ranks)));
        const Transcript transcript = one.start();
        EXPECT_TRUE(transcript.end.ok()) << transcript.all();
        return json_lines(one.run().metrics());
    }
    static void expect_near(const Json& a, const Json& b, const char* name) {
        const double x = a.at(name).get<double>();
        const double y = b.at(name).get<double>();
        EXPECT_LE(std::abs(x - y), kTolerance * std::max(std::abs(x), std::abs(y)))
            << name << " at step " << a.at("step") << ": " << x << " and " << y;
    }
};

TEST_P(RankCount, FirstSftStepsHaveTheSameLoss) {
    const std::string recipe = with(small_recipe(), "steps: 30", "steps: 5");
    const auto one = metrics_on(1, recipe);
    const auto many = metrics_on(GetParam(), recipe);
    ASSERT_EQ(one.size(), many.size());
    for (std::size_t i = 0; i < 5; ++i) {
        expect_near(one[i], many[i], "sft/loss");
        expect_near(one[i], many[i], "actor/grad_norm");
    }
}

TEST_P(RankCount, FirstRolloutHasTheSameSamplesAndTheSameLoss) {
    // From random weights, which every number of ranks has alike.
    std::string recipe = with(small_recipe(), "    from: sft\n", "");
    recipe = with(recipe, "steps: 30", "steps: 1");
    recipe = with(recipe, "steps: 12", "steps: 2");
    const auto one = metrics_on(1, recipe);
    const auto many = metrics_on(GetParam(), recipe);
    ASSERT_EQ(one.size(), 3U);
    ASSERT_EQ(many.size(), 3U);
    for (std::size_t i = 1; i < 3; ++i)
        for (const char* name :
             {"critic/rewards/mean", "reward/accuracy/mean", "reward/format/mean",
              "response_length/mean", "response_length/max", "response_length/min",
              "response_length/clip_ratio", "prompt_length/mean", "perf/total_num_tokens"})
            EXPECT_EQ(one[i].at(name), many[i].at(name)) << name;
    expect_near(one[1], many[1], "actor/pg_loss");
    expect_near(one[1], many[1], "actor/entropy");
    expect_near(one[1], many[1], "actor/grad_norm");
}

INSTANTIATE_TEST_SUITE_P(Ranks, RankCount, testing::Values(2, 4),
                         [](const auto& of) { return std::to_string(of.param); });

}  // namespace
}  // namespace r1
