// SPDX-License-Identifier: Apache-2.0
// Models as they are published, and a small recipe and device whose figures are worked out by hand.
#pragma once

#include "slurm/forecast/forecast.h"

namespace r1::testing {

inline ModelSection dense(std::int64_t hidden, std::int64_t wide, std::int64_t layers,
                          std::int64_t heads, std::int64_t kv_heads, std::int64_t head_dim,
                          std::int64_t words) {
    ModelSection model;
    model.hidden_size = hidden;
    model.intermediate_size = wide;
    model.num_hidden_layers = layers;
    model.num_attention_heads = heads;
    model.num_key_value_heads = kv_heads;
    model.head_dim = head_dim;
    model.vocab_size = words;
    model.max_position_embeddings = 64;
    return model;
}

inline ModelSection deepseek_v3() {
    ModelSection model = dense(7168, 18432, 61, 128, 128, 128, 129280);
    model.n_routed_experts = 256;
    model.n_shared_experts = 1;
    model.num_experts_per_tok = 8;
    model.moe_intermediate_size = 2048;
    model.first_k_dense_replace = 3;
    model.q_lora_rank = 1536;
    model.kv_lora_rank = 512;
    model.qk_nope_head_dim = 128;
    model.qk_rope_head_dim = 64;
    model.v_head_dim = 128;
    return model;
}

/// 1,000 words of width 10, two blocks of 1 head: 20,000 + 10 + 2 × (400 + 600 + 20) parameters.
inline Recipe small_model() {
    Recipe recipe;
    recipe.name = "small";
    recipe.deterministic = Determinism::kSameRanks;
    recipe.model = dense(10, 20, 2, 1, 1, 10, 1000);
    recipe.rollout = {8, 16, {1 << 30}};
    recipe.training.micro_batch_tokens = 100;
    recipe.parallel = {1, 1, 1, 1};
    recipe.evaluation.prompts = 4;
    recipe.evaluation.samples = 1;
    recipe.evaluation.max_new_tokens = 16;
    recipe.checkpoint.interval = SaveInterval::kSteps;
    recipe.resources.ranks = 1;
    recipe.resources.threads_per_rank = 1;
    StageSection sft;
    sft.name = "sft";
    sft.steps = 10;
    sft.batch_size = 4;
    sft.expected_tokens = 25;
    StageSection rl;
    rl.name = "rl";
    rl.kind = StageKind::kGrpo;
    rl.from = "sft";
    rl.steps = 10;
    rl.prompts_per_step = 2;
    rl.group_size = 4;
    rl.rollout_size = 16;
    rl.inner_epochs = 1;
    rl.expected_prompt_tokens = 16;
    rl.expected_tokens = 16;
    rl.sampling.max_new_tokens = 16;
    recipe.stages = {sft, rl};
    return recipe;
}

/// 1 Tflop/s, 1 TB/s of memory: one flop and one byte take the same time.
inline Hardware round_device() {
    return {"round", 1e12, 100e9, 1e12, 1e11, 1e10, 8, "made up"};
}

/// Everything at its peak, and nothing besides the work.
inline Efficiencies perfect() {
    Efficiencies efficiencies;
    efficiencies.training = 1;
    efficiencies.prefill = 1;
    efficiencies.decode = 1;
    efficiencies.network = 1;
    efficiencies.source = "assumed";
    return efficiencies;
}

}  // namespace r1::testing
