// SPDX-License-Identifier: Apache-2.0
#include "tests/system/small_recipe.h"

#include <gtest/gtest.h>

#include "common/file.h"

namespace r1 {

std::string small_recipe() {
    return R"(name: small
seed: 7

resources:
  ranks: 2

model:
  hidden_size: 32
  intermediate_size: 64
  num_hidden_layers: 1
  num_attention_heads: 2
  max_position_embeddings: 32

task:
  kind: reverse
  min_items: 1
  max_items: 2
  teacher_error: 0.1

evaluation:
  prompts: 10
  samples: 2
  k: 2
  max_new_tokens: 16

checkpoint:
  every_steps: 5
  keep_last: 3

stages:
  - name: sft
    kind: sft
    steps: 30
    batch_size: 128
    optimizer:
      learning_rate: 1e-2
      warmup_steps: 3

  - name: rl
    kind: grpo
    from: sft
    steps: 12
    prompts_per_step: 8
    group_size: 8
    rollout_size: 128
    kl_coefficient: 0.01
    reference_every: 4
    optimizer:
      learning_rate: 1e-3
    sampling:
      max_new_tokens: 16
)";
}

std::string long_recipe() {
    return with(small_recipe(), "steps: 12", "steps: " + std::to_string(kLongSteps - kSftSteps));
}

std::string with(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at == std::string::npos) return text;
    EXPECT_EQ(text.find(from, at + 1), std::string::npos) << from << " is there twice";
    return text.replace(at, from.size(), to);
}

std::string write_recipe(const std::filesystem::path& folder, std::string_view text) {
    const std::filesystem::path path = folder / "recipe.yaml";
    write_file_durably(path, text);
    return path.string();
}

}  // namespace r1
