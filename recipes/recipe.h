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
    friend bool operator==(const TaskSection&, const TaskSection&) = default;
};

struct RewardsSection {
    double accuracy = 0;  ///< weight
    double format = 0;    ///< weight
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
    friend bool operator==(const TrainingSection&, const TrainingSection&) = default;
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

struct CostSection {
    std::string currency;
    std::optional<HourlyPrice> price_per_gpu_hour;   ///< absent: unpriced
    std::optional<HourlyPrice> price_per_core_hour;  ///< absent: unpriced
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
