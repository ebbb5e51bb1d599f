// SPDX-License-Identifier: Apache-2.0
// The number of ranks changes neither what is sampled nor, but for the order of sums, the loss.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

constexpr double kTolerance = 1e-5;

std::vector<Json> metrics_on(int ranks) {
    OneRun one(with(small_recipe(), "ranks: 2", "ranks: " + std::to_string(ranks)));
    const Transcript transcript = one.start();
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
    return json_lines(one.run().metrics());
}

class RankCount : public testing::TestWithParam<int> {
  protected:
    static void SetUpTestSuite() { alone = metrics_on(1); }
    static void expect_near(const Json& a, const Json& b, const char* name) {
        const double x = a.at(name).get<double>();
        const double y = b.at(name).get<double>();
        EXPECT_NE(x, 0) << name << " says nothing";
        EXPECT_LE(std::abs(x - y), kTolerance * std::abs(x))
            << name << " at step " << a.at("step") << ": " << x << " and " << y;
    }
    static std::vector<Json> alone;
};
std::vector<Json> RankCount::alone;

TEST_P(RankCount, ChangesNoSampleAndNoLossBeyondRounding) {
    const std::vector<Json> shared = metrics_on(GetParam());
    ASSERT_EQ(alone.size(), static_cast<std::size_t>(kAllSteps));
    ASSERT_EQ(shared.size(), alone.size());
    for (std::size_t i = 0; i < 5; ++i) {
        expect_near(alone[i], shared[i], "sft/loss");
        expect_near(alone[i], shared[i], "actor/grad_norm");
    }
    // The first rollout, of which two updates take one half each.
    for (std::size_t i = kSftSteps; i < kSftSteps + 2; ++i)
        for (const char* name :
             {"critic/rewards/mean", "reward/accuracy/mean", "reward/format/mean",
              "response_length/mean", "response_length/max", "response_length/min",
              "response_length/clip_ratio", "prompt_length/mean", "perf/total_num_tokens"})
            EXPECT_EQ(alone[i].at(name), shared[i].at(name)) << name;
    for (const char* name :
         {"critic/rewards/mean", "actor/pg_loss", "actor/entropy", "actor/grad_norm"})
        expect_near(alone[kSftSteps], shared[kSftSteps], name);
}

INSTANTIATE_TEST_SUITE_P(Ranks, RankCount, testing::Values(2, 4),
                         [](const auto& of) { return std::to_string(of.param); });

}  // namespace
}  // namespace r1
