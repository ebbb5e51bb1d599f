// SPDX-License-Identifier: Apache-2.0
// The whole of recipes/r1-tiny.yaml in seconds: cold start, reinforcement learning, rejection
// sampling, a second round from a fresh model, and distillation into a smaller one.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

constexpr int kCollectBegins = 88;
constexpr int kDistilBegins = 140;
constexpr int kEnd = 440;

std::string second_round() {
    return R"(
  - name: rl-2
    kind: grpo
    from: sft-2
    steps: 8
    prompts_per_step: 8
    group_size: 4
    kl_coefficient: 0.001
    reference_every: 3
    optimizer:
      learning_rate: 1e-3
    sampling:
      temperature: 0.7
      max_new_tokens: 16

  - name: collect-2
    kind: sample
    from: rl
    steps: 12
    prompts_per_step: 8
    group_size: 4
    keep_per_prompt: 2
    sampling:
      max_new_tokens: 16

  - name: distil
    kind: sft
    data: stage:collect-2
    steps: 300
    batch_size: 16
    model:
      hidden_size: 16
      intermediate_size: 32
      num_hidden_layers: 1
      num_attention_heads: 2
      max_position_embeddings: 32
    optimizer:
      learning_rate: 5e-3
)";
}

std::string all_stages() {
    std::string recipe = with(small_recipe(), "steps: 30", "steps: 80");
    recipe = with(recipe, "steps: 12", "steps: 8");
    recipe = with(recipe, "    kl_coefficient: 0.01",
                  "    kl_coefficient: 0.01\n    clip_low: 10\n    clip_high: 10");
    return recipe + R"(
  - name: collect
    kind: sample
    from: rl
    steps: 12
    prompts_per_step: 8
    group_size: 4
    keep_per_prompt: 2
    sampling:
      max_new_tokens: 16

  - name: sft-2
    kind: sft
    data: stage:collect
    steps: 20
    batch_size: 16
    optimizer:
      learning_rate: 5e-3
)" + second_round();
}

class AllStages : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        untouched = std::make_unique<OneRun>(all_stages());
        transcript = untouched->start();
    }
    static void TearDownTestSuite() { untouched.reset(); }
    void SetUp() override { ASSERT_TRUE(transcript.end.ok()) << transcript.all(); }
    static std::unique_ptr<OneRun> untouched;
    static Transcript transcript;
};
std::unique_ptr<OneRun> AllStages::untouched;
Transcript AllStages::transcript;

TEST_F(AllStages, TrainOneAfterTheOther) {
    EXPECT_EQ(untouched->state(), "completed");
    EXPECT_EQ(newest_step(untouched->run()), kEnd);
    double accepted = 0;
    for (const Json& line : json_lines(untouched->run().metrics()))
        if (line.at("stage") == "collect") accepted += line.at("sample/accepted").get<double>();
    EXPECT_GT(accepted, 0);
    EXPECT_EQ(static_cast<double>(json_lines(untouched->run().samples_of("collect")).size()),
              accepted);
    const Manifest small = read_manifest(untouched->run().checkpoints() / checkpoint_name(kEnd));
    EXPECT_EQ(small.tensor("model/model.norm.weight").shape, std::vector<std::int64_t>{16});
}

TEST_F(AllStages, KilledInTheSampleAndInTheDistilStageGiveTheSameBits) {
    OneRun one(all_stages());
    R1ctl first = one.begin();
    kill_at(one, first, after_step(kCollectBegins + 7), Victim::kAllRanks);
    if (HasFatalFailure()) return;
    R1ctl second = one.begin_resume();
    kill_at(one, second, after_step(kDistilBegins + 12), Victim::kOneRank);
    if (HasFatalFailure()) return;
    const Transcript last = one.resume();
    EXPECT_TRUE(last.end.ok()) << last.all();
    expect_same_results(untouched->run(), one.run());
}

}  // namespace
}  // namespace r1
