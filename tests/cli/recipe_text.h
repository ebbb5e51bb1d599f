// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace r1 {

/// A small recipe that is right: two stages, two ranks.
inline constexpr const char* kRecipe = R"(name: tiny
resources:
  ranks: 2
model:
  hidden_size: 32
  intermediate_size: 64
  num_hidden_layers: 1
  num_attention_heads: 2
  max_position_embeddings: 128
task:
  kind: addition
  digits: 2
rewards:
  accuracy: 1
cost:
  price_per_core_hour: 0.05
stages:
  - name: sft
    kind: sft
    steps: 3
    batch_size: 8
  - name: rl
    kind: grpo
    from: sft
    steps: 4
    prompts_per_step: 4
    group_size: 4
    sampling:
      max_new_tokens: 16
)";

}  // namespace r1
