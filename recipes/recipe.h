// SPDX-License-Identifier: Apache-2.0
// The checked, immutable recipe: what the submitting side and the ranks share. A field's name is the
// recipe's key, letter for letter. The rows of schema.h give each key its default, range and help.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/money.h"
#include "common/units.h"

namespace r1 {

enum class Device { kAuto, kCpu, kCuda };
enum class TaskKind { kAddition, kCountdown, kSort, kReverse };
enum class PromptTemplate { kPlain, kR1 };
enum class StageKind { kSft, kGrpo, kSample };
enum class Schedule { kConstant, kCosine };
/// How rewards of one group become advantages (conventions differ: docs/grpo.md).
enum class AdvantageKind { kVerl, kTrl, kGrpoZero, kNemoRl, kDrGrpo };
/// How token losses become one number.
enum class Aggregation { kTokenMean, kSeqMeanTokenSum, kSeqMeanTokenMean, kSeqMeanTokenSumNorm };
enum class KlEstimator { kK1, kK2, kK3 };

struct ResourcesSection {
    std::int64_t ranks = 0;             ///< processes; one a GPU, or one a share of the cores
    std::int64_t threads_per_rank = 0;  ///< CPU threads of one rank
    Device device = Device::kAuto;
};

/// Decoder-only transformer of the Qwen2/Llama family, by the names of a Hugging Face config.json.
struct ModelSection {
    std::int64_t hidden_size = 0;
    std::int64_t intermediate_size = 0;
    std::int64_t num_hidden_layers = 0;
    std::int64_t num_attention_heads = 0;
    std::int64_t num_key_value_heads = 0;
    std::int64_t head_dim = 0;  ///< 0: hidden_size / num_attention_heads
    std::int64_t max_position_embeddings = 0;
    double rms_norm_eps = 0;
    double rope_theta = 0;
    bool attention_bias = false;  ///< biases on the q, k and v projections, as Qwen2 has
    bool tie_word_embeddings = false;
    double initializer_range = 0;
    friend bool operator==(const ModelSection&, const ModelSection&) = default;
};

struct TaskSection {
    TaskKind kind = TaskKind::kAddition;
    PromptTemplate prompt_template = PromptTemplate::kPlain;
    std::int64_t digits = 0;     ///< addition: digits of an operand; countdown: digits of a number
    std::int64_t min_items = 0;  ///< sort, reverse: letters; countdown: numbers
    std::int64_t max_items = 0;
    double teacher_forget_carry = 0;  ///< addition: chance that the teacher forgets a carry
    double teacher_error = 0;         ///< chance a digit (or item) that the teacher is wrong
};

struct RewardsSection {
    double accuracy = 0;  ///< weight
    double format = 0;    ///< weight
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
};

struct SamplingSection {
    double temperature = 0;
    double top_p = 0;
    std::int64_t top_k = 0;  ///< 0: all
    std::int64_t max_new_tokens = 0;
};

/// One stage. A key that its kind does not use is refused by the check.
struct StageSection {
    std::string name;
    StageKind kind = StageKind::kSft;
    std::string from;  ///< the stage whose weights it starts from; empty: random weights
    std::int64_t steps = 0;  ///< policy updates (sft, grpo); sample: batches of prompts
    std::optional<ModelSection> model;  ///< a model of its own (distillation); needs an empty `from`
    OptimizerSection optimizer;         ///< sft, grpo
    SamplingSection sampling;           ///< grpo, sample

    // sft
    std::string data;  ///< "demonstrations", a JSONL file, or "stage:NAME" of a sample stage
    std::int64_t batch_size = 0;  ///< sequences a step

    // grpo, sample
    std::int64_t prompts_per_step = 0;
    std::int64_t group_size = 0;  ///< outputs a prompt

    // grpo
    std::int64_t rollout_size = 0;  ///< outputs a rollout; 0: prompts_per_step × group_size
    std::int64_t inner_epochs = 0;
    double clip_low = 0;
    double clip_high = 0;
    double dual_clip = 0;  ///< 0: off
    double kl_coefficient = 0;
    KlEstimator kl_estimator = KlEstimator::kK3;
    std::int64_t reference_every = 0;  ///< the reference becomes the policy every N steps; 0: never
    std::int64_t max_new_tokens_after = 0;  ///< the limit from max_new_tokens_switch_step on
    std::int64_t max_new_tokens_switch_step = 0;  ///< 0: no switch
    AdvantageKind advantage = AdvantageKind::kTrl;
    Aggregation aggregation = Aggregation::kTokenMean;
    bool mask_truncated = false;   ///< truncated outputs give no loss
    bool shuffle_rewards = false;  ///< negative control: rewards permuted over the rollout

    // sample
    std::int64_t keep_per_prompt = 0;  ///< accepted outputs kept of one prompt
};

struct RolloutSection {
    std::int64_t batch_size = 0;  ///< sequences decoded at once by one rank
    std::int64_t page_tokens = 0;  ///< tokens in one page of the KV cache
};

struct TrainingSection {
    std::int64_t micro_batch_tokens = 0;  ///< tokens in one forward and backward pass of one rank
};

struct EvaluationSection {
    std::int64_t prompts = 0;
    std::int64_t samples = 0;  ///< outputs a prompt
    std::int64_t k = 0;        ///< of pass@k
    double temperature = 0;
    double top_p = 0;
    std::int64_t max_new_tokens = 0;
    std::int64_t every_steps = 0;  ///< also within a stage; 0: only before the first and after each
};

struct CheckpointSection {
    std::int64_t every_steps = 0;  ///< 0: only at the end of a stage and when stopped
    std::int64_t keep_last = 0;
};

struct CostSection {
    std::string currency;
    std::optional<HourlyPrice> price_per_gpu_hour;   ///< absent: unpriced
    std::optional<HourlyPrice> price_per_core_hour;  ///< absent: unpriced
};

struct Recipe {
    std::string name;
    std::uint64_t seed = 0;
    ResourcesSection resources;
    ModelSection model;
    TaskSection task;
    RewardsSection rewards;
    RolloutSection rollout;
    TrainingSection training;
    EvaluationSection evaluation;
    CheckpointSection checkpoint;
    CostSection cost;
    std::vector<StageSection> stages;

    const ModelSection& model_of(const StageSection& stage) const {
        return stage.model ? *stage.model : model;
    }
};

}  // namespace r1
