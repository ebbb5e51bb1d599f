// SPDX-License-Identifier: Apache-2.0
// What a stage of a recipe is made of. Include recipes/recipe.h for the whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/units.h"
#include "recipes/choices.h"

namespace r1 {

/// What a run or a stage of it runs on. The last three keys belong to a run; a stage's section
/// holds the run's.
struct ResourcesSection {
    std::int64_t ranks = 0;             ///< processes; one a GPU, or one a share of the cores
    std::int64_t ranks_per_node = 0;    ///< 0: what the cluster gives
    std::int64_t threads_per_rank = 0;  ///< CPU threads of one rank
    DeviceKind device = DeviceKind::kAuto;
    std::string gpu_type;           ///< as Slurm calls it; empty: whatever the partition has
    Duration time_limit;            ///< of one attempt; 0s: none, or the partition's
    std::int64_t max_attempts = 0;  ///< 0: no bound
    std::int64_t attempts_without_progress = 0;  ///< in a row, before a run is given up
    Duration watchdog;  ///< ranks that make no progress for this long are ended; 0s: off
    friend bool operator==(const ResourcesSection&, const ResourcesSection&) = default;
};

/// Decoder-only transformer of the Qwen2/Llama family, by the names of a Hugging Face config.json.
struct ModelSection {
    std::int64_t hidden_size = 0;
    std::int64_t intermediate_size = 0;
    std::int64_t num_hidden_layers = 0;
    std::int64_t num_attention_heads = 0;
    std::int64_t num_key_value_heads = 0;  ///< a loaded recipe holds the final number
    std::int64_t head_dim = 0;             ///< a loaded recipe holds the final number
    std::int64_t max_position_embeddings = 0;
    double rms_norm_eps = 0;
    double rope_theta = 0;
    bool attention_bias = false;  ///< biases on the q, k and v projections, as Qwen2 has
    bool tie_word_embeddings = false;
    double initializer_range = 0;
    std::string weights;          ///< folder of pre-trained weights; empty: random
    std::int64_t vocab_size = 0;  ///< 0: that of the task's own tokenizer

    // Mixture of experts (DeepSeek-V3).
    std::int64_t n_routed_experts = 0;  ///< 0: a dense model
    std::int64_t n_shared_experts = 0;
    std::int64_t num_experts_per_tok = 0;
    std::int64_t moe_intermediate_size = 0;
    std::int64_t first_k_dense_replace = 0;  ///< the first blocks are dense

    // Multi-head latent attention (DeepSeek-V2).
    std::int64_t kv_lora_rank = 0;  ///< 0: grouped-query attention
    std::int64_t q_lora_rank = 0;
    std::int64_t qk_nope_head_dim = 0;
    std::int64_t qk_rope_head_dim = 0;
    std::int64_t v_head_dim = 0;
    friend bool operator==(const ModelSection&, const ModelSection&) = default;
};

struct OptimizerSection {
    double learning_rate = 0;
    std::int64_t warmup_steps = 0;
    Schedule schedule = Schedule::kConstant;
    double final_learning_rate_ratio = 0;  ///< cosine ends at this × learning_rate
    double beta1 = 0;
    double beta2 = 0;
    double epsilon = 0;
    double weight_decay = 0;
    double max_grad_norm = 0;  ///< 0: no clipping
    friend bool operator==(const OptimizerSection&, const OptimizerSection&) = default;
};

struct SamplingSection {
    double temperature = 0;
    double top_p = 0;
    std::int64_t top_k = 0;  ///< 0: all
    std::int64_t max_new_tokens = 0;
    friend bool operator==(const SamplingSection&, const SamplingSection&) = default;
};

/// One stage. A key that its kind does not use is refused by the check.
struct StageSection {
    std::string name;
    StageKind kind = StageKind::kSft;
    std::string from;        ///< the stage whose weights it starts from; empty: random weights
    std::int64_t steps = 0;  ///< policy updates (sft, grpo); sample: batches of prompts
    /// A model of its own (distillation). A stage inherits that of the stage it starts from.
    std::optional<ModelSection> model;
    /// Resources of its own; a loaded recipe holds the run's where the stage says nothing.
    std::optional<ResourcesSection> resources;
    // What the plan assumes; training does not look at it.
    double expected_prompt_tokens = 0;  ///< mean; 0: not known
    double expected_tokens = 0;         ///< mean of an output (of a sequence for sft); 0: not known
    double expected_tokens_last = 0;    ///< the same at the last step; 0: it stays
    OptimizerSection optimizer;         ///< sft, grpo
    SamplingSection sampling;           ///< grpo, sample

    // sft
    std::string data;  ///< "demonstrations", a JSONL file, or "stage:NAME" of a sample stage
    std::int64_t batch_size = 0;  ///< sequences a step

    // grpo, sample
    std::int64_t prompts_per_step = 0;
    std::int64_t group_size = 0;  ///< outputs a prompt

    // grpo
    std::int64_t rollout_size = 0;  ///< outputs a rollout; a loaded recipe holds the final number
    std::int64_t inner_epochs = 0;
    double clip_low = 0;
    double clip_high = 0;
    double dual_clip = 0;  ///< 0: off
    double kl_coefficient = 0;
    KlEstimator kl_estimator = KlEstimator::kK3;
    std::int64_t reference_every = 0;  ///< the reference becomes the policy every N steps; 0: never
    std::int64_t max_new_tokens_after = 0;        ///< the limit from max_new_tokens_switch_step on
    std::int64_t max_new_tokens_switch_step = 0;  ///< 0: no switch
    AdvantageKind advantage = AdvantageKind::kTrl;
    Aggregation aggregation = Aggregation::kTokenMean;
    bool mask_truncated = false;   ///< truncated outputs give no loss
    bool shuffle_rewards = false;  ///< negative control: rewards permuted over the rollout

    // sample
    std::int64_t keep_per_prompt = 0;  ///< accepted outputs kept of one prompt
    friend bool operator==(const StageSection&, const StageSection&) = default;
};

}  // namespace r1
