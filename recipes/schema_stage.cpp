// SPDX-License-Identifier: Apache-2.0
// The tables of a stage.
#include "recipes/schema.h"

namespace r1 {

namespace {

constexpr Range between(double low, double high) {
    return {.low = low, .high = high};
}
constexpr Range above(double low, double high) {
    return {.low = low, .high = high, .low_open = true};
}
constexpr Range below(double low, double high) {
    return {.low = low, .high = high, .high_open = true};
}
constexpr Range kSteps = between(0, 1e9);
constexpr StageKinds kSft = only(StageKind::kSft);
constexpr StageKinds kGrpo = only(StageKind::kGrpo);
constexpr StageKinds kSample = only(StageKind::kSample);

std::string check_data(std::string_view text) {
    if (text.empty()) return "is empty; write demonstrations, a JSONL file, or stage:NAME";
    return {};
}

const Table& optimizer_table() {
    using S = OptimizerSection;
    static const Table table{
        {
            row<&S::learning_rate>("learning_rate", "3e-4", "", between(0, 100),
                                   "AdamW's learning rate after the warm-up."),
            row<&S::warmup_steps>("warmup_steps", "0", "steps", kSteps,
                                  "The learning rate rises from 0 over this many steps."),
            row<&S::schedule>("schedule", "constant", "", {},
                              "The learning rate after the warm-up."),
            row<&S::final_learning_rate_ratio>("final_learning_rate_ratio", "0.1", "",
                                               between(0, 1),
                                               "Cosine ends at this share of learning_rate."),
            row<&S::beta1>("beta1", "0.9", "", below(0, 1), "Decay of the first moment."),
            row<&S::beta2>("beta2", "0.95", "", below(0, 1), "Decay of the second moment."),
            row<&S::epsilon>("epsilon", "1e-8", "", above(0, 1), "AdamW's epsilon."),
            row<&S::weight_decay>("weight_decay", "0", "", between(0, 100),
                                  "Decoupled weight decay."),
            row<&S::max_grad_norm>("max_grad_norm", "1", "", between(0, 1e9),
                                   "Gradients are clipped to this norm; 0: no clipping."),
        },
        {}};
    return table;
}

const Table& sampling_table() {
    using S = SamplingSection;
    static const Table table{
        {
            row<&S::temperature>("temperature", "1", "", above(0, 100), "Sampling temperature."),
            row<&S::top_p>("top_p", "1", "", above(0, 1),
                           "Sample from the likeliest tokens of this total probability."),
            row<&S::top_k>("top_k", "0", "tokens", between(0, 1e6),
                           "Sample from this many likeliest tokens; 0: all."),
            row<&S::max_new_tokens>("max_new_tokens", "64", "tokens", between(1, 1 << 24),
                                    "An output is cut off after this many tokens."),
        },
        {}};
    return table;
}

std::vector<Row> common_rows() {
    using S = StageSection;
    return {
        row<&S::name>("name", kRequired, "", {},
                      "Names the stage: small letters, digits and '-', at most 40.", kAnyStage,
                      check_name),
        row<&S::kind>("kind", kRequired, "", {},
                      "Supervised training, reinforcement learning, or sampling of a data set."),
        row<&S::from>("from", "", "", {},
                      "The earlier stage whose weights it starts from; empty: random weights."),
        row<&S::steps>("steps", kRequired, "steps", between(1, 1e9),
                       "Policy updates (sft, grpo) or batches of prompts (sample)."),
        row<&S::expected_prompt_tokens>("expected_prompt_tokens", "0", "tokens", between(0, 1e9),
                                        "For the plan: mean length of a prompt; 0: not known."),
        row<&S::expected_tokens>("expected_tokens", "0", "tokens", between(0, 1e9),
                                 "For the plan: mean length of an output, or of a sequence of an "
                                 "sft stage; 0: the longest there may be."),
        row<&S::expected_tokens_last>("expected_tokens_last", "0", "tokens", between(0, 1e9),
                                      "For the plan: the same at the stage's last step; 0: it "
                                      "does not change."),
        row<&S::data>("data", "demonstrations", "", {},
                      "The teacher's demonstrations, a JSONL file, or stage:NAME.", kSft,
                      check_data),
        row<&S::batch_size>("batch_size", "64", "sequences", between(1, 1e6), "Sequences a step.",
                            kSft),
        row<&S::prompts_per_step>("prompts_per_step", "32", "prompts", between(1, 1e6),
                                  "Prompts a step.", kGrpo | kSample),
        row<&S::group_size>("group_size", "8", "outputs", between(1, 4096),
                            "Outputs a prompt, compared with each other.", kGrpo | kSample),
    };
}

std::vector<Row> grpo_rows() {
    using S = StageSection;
    return {
        row<&S::rollout_size>("rollout_size", "0", "outputs", between(0, 1e10),
                              "Outputs a rollout; 0: prompts_per_step x group_size.", kGrpo),
        row<&S::inner_epochs>("inner_epochs", "1", "epochs", between(1, 1000),
                              "How often one rollout is trained on.", kGrpo),
        row<&S::clip_low>("clip_low", "0.2", "", above(0, 1000),
                          "The ratio is clipped below 1 - this; 1 and more never clips.", kGrpo),
        row<&S::clip_high>("clip_high", "0.2", "", above(0, 1000),
                           "The ratio is clipped above 1 + this.", kGrpo),
        row<&S::dual_clip>("dual_clip", "0", "", between(0, 1000),
                           "Bound of the ratio where the advantage is negative; 0: off.", kGrpo),
        row<&S::kl_coefficient>("kl_coefficient", "0", "", between(0, 1000),
                                "Weight of the KL divergence from the reference.", kGrpo),
        row<&S::kl_estimator>("kl_estimator", "k3", "", {}, "How that divergence is estimated.",
                              kGrpo),
        row<&S::reference_every>("reference_every", "0", "steps", kSteps,
                                 "The reference becomes the policy this often; 0: never.", kGrpo),
        row<&S::max_new_tokens_after>("max_new_tokens_after", "0", "tokens", between(0, 1 << 24),
                                      "The limit from max_new_tokens_switch_step on.", kGrpo),
        row<&S::max_new_tokens_switch_step>("max_new_tokens_switch_step", "0", "steps", kSteps,
                                            "When max_new_tokens_after begins; 0: never.", kGrpo),
        row<&S::advantage>("advantage", "trl", "", {},
                           "Whose convention makes advantages of a group's rewards.", kGrpo),
        row<&S::aggregation>("aggregation", "token-mean", "", {},
                             "How the losses of tokens become one number.", kGrpo),
        row<&S::mask_truncated>("mask_truncated", "false", "", {},
                                "Outputs that were cut off give no loss.", kGrpo),
        row<&S::shuffle_rewards>("shuffle_rewards", "false", "", {},
                                 "Negative control: rewards are permuted over the rollout.", kGrpo),
        row<&S::keep_per_prompt>("keep_per_prompt", "1", "outputs", between(1, 4096),
                                 "Right outputs that are kept of one prompt.", kSample),
    };
}

std::vector<Section> stage_sections() {
    using S = StageSection;
    return {
        {"model", &model_table(), kAnyStage,
         "A model of the stage's own, as for distillation; all keys of the section model.",
         [](void* parent) -> void* { return &static_cast<S*>(parent)->model.emplace(); },
         [](const void* parent) -> const void* {
             const auto& model = static_cast<const S*>(parent)->model;
             return model ? &*model : nullptr;
         }},
        {"resources", &stage_resources_table(), kAnyStage,
         "What the stage runs on; keys that it does not set are those of the recipe's resources.",
         [](void* parent) -> void* { return &static_cast<S*>(parent)->resources.emplace(); },
         [](const void* parent) -> const void* {
             const auto& resources = static_cast<const S*>(parent)->resources;
             return resources ? &*resources : nullptr;
         }},
        {"optimizer", &optimizer_table(), kSft | kGrpo, "AdamW and its schedule.",
         [](void* parent) -> void* { return &static_cast<S*>(parent)->optimizer; },
         [](const void* parent) -> const void* {
             return &static_cast<const S*>(parent)->optimizer;
         }},
        {"sampling", &sampling_table(), kGrpo | kSample, "How an output's tokens are drawn.",
         [](void* parent) -> void* { return &static_cast<S*>(parent)->sampling; },
         [](const void* parent) -> const void* {
             return &static_cast<const S*>(parent)->sampling;
         }},
    };
}

}  // namespace

const Table& model_table() {
    using S = ModelSection;
    static const Table table{
        {
            row<&S::hidden_size>("hidden_size", kRequired, "", between(2, 65536),
                                 "Width of the residual stream."),
            row<&S::intermediate_size>("intermediate_size", kRequired, "", between(1, 262144),
                                       "Width of the SwiGLU layer."),
            row<&S::num_hidden_layers>("num_hidden_layers", kRequired, "", between(1, 1024),
                                       "Transformer blocks."),
            row<&S::num_attention_heads>("num_attention_heads", kRequired, "", between(1, 1024),
                                         "Query heads."),
            row<&S::num_key_value_heads>("num_key_value_heads", "0", "", between(0, 1024),
                                         "Key and value heads; 0: num_attention_heads."),
            row<&S::head_dim>("head_dim", "0", "", between(0, 4096),
                              "Width of a head, even; 0: hidden_size / num_attention_heads."),
            row<&S::max_position_embeddings>("max_position_embeddings", "256", "tokens",
                                             between(2, 1 << 24),
                                             "The longest sequence, prompt and output."),
            row<&S::rms_norm_eps>("rms_norm_eps", "1e-6", "", above(0, 1), "RMSNorm's epsilon."),
            row<&S::rope_theta>("rope_theta", "10000", "", above(0, 1e12),
                                "Base of the rotary position embedding."),
            row<&S::attention_bias>("attention_bias", "false", "", {},
                                    "Biases on the q, k and v projections, as Qwen2 has."),
            row<&S::tie_word_embeddings>("tie_word_embeddings", "false", "", {},
                                         "The output layer shares the embedding's weights."),
            row<&S::initializer_range>("initializer_range", "0.02", "", between(0, 10),
                                       "Standard deviation of the initial embedding and head."),
            row<&S::weights>("weights", "", "", {},
                             "Folder of pre-trained weights to start from; empty: random."),
            row<&S::vocab_size>("vocab_size", "0", "tokens", between(0, 1 << 24),
                                "Words of the vocabulary; 0: those of the task's tokenizer."),
            row<&S::n_routed_experts>("n_routed_experts", "0", "", between(0, 65536),
                                      "Experts of a block, of which a token takes some; 0: dense."),
            row<&S::n_shared_experts>("n_shared_experts", "0", "", between(0, 1024),
                                      "Experts that every token takes."),
            row<&S::num_experts_per_tok>("num_experts_per_tok", "0", "", between(0, 1024),
                                         "Routed experts that a token takes."),
            row<&S::moe_intermediate_size>("moe_intermediate_size", "0", "", between(0, 262144),
                                           "Width of an expert's SwiGLU layer."),
            row<&S::first_k_dense_replace>("first_k_dense_replace", "0", "blocks", between(0, 1024),
                                           "The first blocks, which are dense."),
            row<&S::kv_lora_rank>("kv_lora_rank", "0", "", between(0, 65536),
                                  "Multi-head latent attention: width of what is cached of keys "
                                  "and values; 0: another attention."),
            row<&S::q_lora_rank>("q_lora_rank", "0", "", between(0, 65536),
                                 "Latent attention: width of the queries' latent; 0: none."),
            row<&S::qk_nope_head_dim>("qk_nope_head_dim", "0", "", between(0, 4096),
                                      "Latent attention: width of a head without rotation."),
            row<&S::qk_rope_head_dim>("qk_rope_head_dim", "0", "", between(0, 4096),
                                      "Latent attention: width of a head that is rotated."),
            row<&S::v_head_dim>("v_head_dim", "0", "", between(0, 4096),
                                "Latent attention: width of a head's values."),
        },
        {}};
    return table;
}

const Table& stage_table() {
    static const Table table = [] {
        Table made{common_rows(), stage_sections()};
        for (const Row& row : grpo_rows()) made.rows.push_back(row);
        return made;
    }();
    return table;
}

}  // namespace r1
