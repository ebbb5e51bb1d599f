// SPDX-License-Identifier: Apache-2.0
#include "recipes/trainable.h"

#include <algorithm>

namespace r1 {

namespace {

/// The limits of the trainer. One that falls is a line less here.
class Limits {
  public:
    void check(bool asked, const std::string& key, const std::string& what) {
        if (asked) found_.push_back({key, what + " cannot be trained yet"});
    }

    void check_model(const ModelSection& model, const ParallelSection& parallel,
                     const std::string& path) {
        check(!model.weights.empty(), path + ".weights", "a model that starts from given weights");
        check(model.vocab_size != 0 && model.vocab_size != kTaskVocabulary, path + ".vocab_size",
              "a vocabulary other than the tasks' own " + std::to_string(kTaskVocabulary) +
                  " tokens");
        check(model.n_routed_experts > 0, path + ".n_routed_experts", "a mixture of experts");
        check(model.kv_lora_rank > 0, path + ".kv_lora_rank", "latent attention");
        const auto check_parts = [&](std::int64_t extent, const std::string& key) {
            check(extent % parallel.tensor != 0, "parallel.tensor",
                  key + " " + std::to_string(extent) + ", which tensor " +
                      std::to_string(parallel.tensor) + " does not divide (take a divisor),");
        };
        if (model.kv_lora_rank == 0)
            check_parts(model.num_key_value_heads, path + ".num_key_value_heads");
        check_parts(model.intermediate_size, path + ".intermediate_size");
    }

    void check_rewards(const RewardsSection& rewards) {
        check(rewards.language > 0, "rewards.language", "a reward for the language of an output");
        check(rewards.preference > 0, "rewards.preference", "a preference model's reward");
    }

    void check_parallel(const ParallelSection& parallel) {
        check(parallel.pipeline > 1, "parallel.pipeline", "pipeline parallelism");
        check(parallel.expert > 1, "parallel.expert", "expert parallelism");
    }

    std::vector<Untrainable> found() && { return std::move(found_); }

  private:
    std::vector<Untrainable> found_;
};

}  // namespace

std::vector<Untrainable> untrainable(const Recipe& recipe) {
    Limits limits;
    if (std::any_of(recipe.stages.begin(), recipe.stages.end(),
                    [](const StageSection& stage) { return !stage.model; }))
        limits.check_model(recipe.model, recipe.parallel, "model");
    limits.check(recipe.task.kind == TaskKind::kFile, "task.kind", "a task from a file");
    limits.check_rewards(recipe.rewards);
    limits.check_parallel(recipe.parallel);
    // A stage that starts from another one has that one's model.
    for (std::size_t i = 0; i < recipe.stages.size(); ++i)
        if (const StageSection& stage = recipe.stages[i]; stage.model && stage.from.empty())
            limits.check_model(*stage.model, recipe.parallel,
                               "stages." + std::to_string(i) + ".model");
    return std::move(limits).found();
}

}  // namespace r1
