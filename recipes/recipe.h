// SPDX-License-Identifier: Apache-2.0
// The checked, immutable recipe: what the submitting side and the ranks share. A field's name is
// the recipe's key, letter for letter. The rows of schema.h give each key its default, range and
// help.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/money.h"
#include "common/units.h"
#include "recipes/choices.h"
#include "recipes/stage.h"

namespace r1 {

struct TaskSection {
    TaskKind kind = TaskKind::kAddition;
    PromptTemplate prompt_template = PromptTemplate::kPlain;
    std::int64_t digits = 0;     ///< addition: digits of an operand; countdown: digits of a number
    std::int64_t min_items = 0;  ///< sort, reverse: letters; countdown: numbers
    std::int64_t max_items = 0;
    double teacher_forget_carry = 0;  ///< addition: chance that the teacher forgets a carry
    double teacher_error = 0;         ///< chance a digit (or item) that the teacher is wrong
    std::string data;                 ///< file: a JSONL file of prompts and answers
    friend bool operator==(const TaskSection&, const TaskSection&) = default;
};

struct RewardsSection {
    double accuracy = 0;    ///< weight
    double format = 0;      ///< weight
    double language = 0;    ///< weight of the share of words in the prompt's language
    double preference = 0;  ///< weight of a preference model's score
    std::int64_t preference_from_step = 0;  ///< of a grpo stage; 0: from its first
    friend bool operator==(const RewardsSection&, const RewardsSection&) = default;
};

struct RolloutSection {
    std::int64_t batch_size = 0;   ///< sequences decoded at once by one rank
    std::int64_t page_tokens = 0;  ///< tokens in one page of the KV cache
    Bytes kv_cache;                ///< upper bound of one rank's KV cache
    friend bool operator==(const RolloutSection&, const RolloutSection&) = default;
};

struct TrainingSection {
    std::int64_t micro_batch_tokens = 0;  ///< tokens in one forward and backward pass of one rank
    std::int64_t gradient_shards = 0;     ///< parts in which strict mode sums a gradient
    Precision precision = Precision::kAuto;
    bool recompute = false;  ///< activations are computed again in the backward pass
    friend bool operator==(const TrainingSection&, const TrainingSection&) = default;
};

/// How one model is spread over ranks. Their product with the data-parallel ranks is `ranks`;
/// expert parallelism lies within the data-parallel ranks.
struct ParallelSection {
    std::int64_t tensor = 0;
    std::int64_t pipeline = 0;
    std::int64_t expert = 0;
    std::int64_t zero = 0;  ///< ZeRO stage: 1 shares the optimizer, 2 gradients too, 3 weights too
    friend bool operator==(const ParallelSection&, const ParallelSection&) = default;
};

struct EvaluationSection {
    std::int64_t prompts = 0;
    std::int64_t samples = 0;  ///< outputs a prompt
    std::int64_t k = 0;        ///< of pass@k
    double temperature = 0;
    double top_p = 0;
    std::int64_t max_new_tokens = 0;
    std::int64_t every_steps = 0;  ///< also within a stage; 0: only before the first and after each
    friend bool operator==(const EvaluationSection&, const EvaluationSection&) = default;
};

struct CheckpointSection {
    SaveInterval interval = SaveInterval::kSteps;
    std::int64_t every_steps = 0;  ///< 0: only at the end of a stage and when stopped
    Duration every_time;           ///< interval time
    Duration mtbf_per_rank;        ///< interval auto: mean time between failures of one rank
    Writers writers = Writers::kNode;
    Bytes write_rate;               ///< per second, of one rank; 0B: no bound
    std::int64_t max_failures = 0;  ///< saves that may fail in a row before the run stops
    std::int64_t keep_last = 0;
    std::int64_t keep_every = 0;  ///< keeps the steps that are its multiples; 0: none
    std::int64_t keep_best = 0;   ///< keeps as many of the best by best_metric
    std::string best_metric;
    Best best_is = Best::kHighest;
    friend bool operator==(const CheckpointSection&, const CheckpointSection&) = default;
};

/// One row of a table of prices. What has a price is added; a row without any says "unpriced".
struct PriceRow {
    std::string name;            ///< as bills call it
    std::string effective_from;  ///< UTC, "2026-01-31" or "2026-01-31T12:00:00Z"; empty: always
    std::string gpu_type;        ///< as Slurm calls it; empty: any
    std::string partition;       ///< empty: any
    std::string currency;        ///< empty: that of the section or the cluster
    std::optional<HourlyPrice> per_gpu_hour;
    std::optional<HourlyPrice> per_core_hour;
    std::optional<HourlyPrice> per_node_hour;
    std::optional<HourlyPrice> per_billing_hour;  ///< of Slurm's billing TRES
    friend bool operator==(const PriceRow&, const PriceRow&) = default;
};

struct CostSection {
    std::string currency;
    std::optional<HourlyPrice> price_per_gpu_hour;   ///< absent: `prices` say
    std::optional<HourlyPrice> price_per_core_hour;  ///< absent: `prices` say
    std::optional<Amount> budget;                    ///< of the whole run, in `currency`
    std::vector<PriceRow> prices;                    ///< a submitted run holds the cluster's
    friend bool operator==(const CostSection&, const CostSection&) = default;
};

struct Recipe {
    std::string name;
    std::uint64_t seed = 0;
    Determinism deterministic = Determinism::kSameRanks;
    ResourcesSection resources;
    ModelSection model;
    TaskSection task;
    RewardsSection rewards;
    RolloutSection rollout;
    TrainingSection training;
    ParallelSection parallel;
    EvaluationSection evaluation;
    CheckpointSection checkpoint;
    CostSection cost;
    std::vector<StageSection> stages;

    const ModelSection& model_of(const StageSection& stage) const {
        return stage.model ? *stage.model : model;
    }
    const ResourcesSection& resources_of(const StageSection& stage) const {
        return stage.resources ? *stage.resources : resources;
    }
    friend bool operator==(const Recipe&, const Recipe&) = default;
};

}  // namespace r1
