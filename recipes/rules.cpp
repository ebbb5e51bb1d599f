// SPDX-License-Identifier: Apache-2.0
#include "recipes/rules.h"

#include <cstdint>
#include <string>

#include "recipes/relation.h"
#include "recipes/rules_model.h"
#include "recipes/rules_parallel.h"
#include "recipes/stage_links.h"

namespace r1 {

namespace {

std::string text(std::int64_t number) {
    return std::to_string(number);
}

void check_task(const TaskSection& task, Relations& relations) {
    relations.require(
        task.min_items <= task.max_items, "task.min_items", "task.max_items",
        "min_items " + text(task.min_items) + " is more than max_items " + text(task.max_items));
    relations.require(task.teacher_forget_carry == 0 || task.kind == TaskKind::kAddition,
                      "task.teacher_forget_carry", "task.kind",
                      "teacher_forget_carry is for the addition task only");
    const bool file = task.kind == TaskKind::kFile;
    relations.require(!file || !task.data.empty(), "task.data", "task.kind",
                      "a task of kind file needs 'data', a JSONL file of prompts and answers");
    relations.require(file || task.data.empty(), "task.data", "task.kind",
                      "data is for a task of kind file only");
}

void check_rewards(const RewardsSection& rewards, Relations& relations) {
    relations.require(rewards.preference_from_step == 0 || rewards.preference > 0,
                      "rewards.preference_from_step", "rewards.preference",
                      "preference_from_step has no effect while preference is 0");
}

void check_checkpoint(const CheckpointSection& checkpoint, Relations& relations) {
    const std::string interval = "checkpoint.interval";
    relations.require(
        checkpoint.interval != SaveInterval::kTime || checkpoint.every_time.seconds > 0,
        "checkpoint.every_time", interval, "every_time must be at least 1s for interval time");
    relations.require(
        checkpoint.interval != SaveInterval::kAuto || checkpoint.mtbf_per_rank.seconds > 0,
        "checkpoint.mtbf_per_rank", interval,
        "mtbf_per_rank must be at least 1s for interval auto");
    relations.require(checkpoint.keep_best == 0 || !checkpoint.best_metric.empty(),
                      "checkpoint.best_metric", "checkpoint.keep_best",
                      "keep_best needs a best_metric, such as pass@1");
}

/// In strict mode a gradient is a sum of gradient_shards parts: a rank beyond has none. Ranks that
/// share a model work on the same part.
void check_shards(const Recipe& recipe, const ResourcesSection& resources, const std::string& path,
                  Relations& relations) {
    if (recipe.deterministic != Determinism::kStrict || !relations.known("deterministic")) return;
    const std::int64_t shards = recipe.training.gradient_shards;
    const std::int64_t slices =
        relations.known("parallel.tensor") ? std::max<std::int64_t>(recipe.parallel.tensor, 1) : 1;
    const std::string shared = slices > 1 ? " / tensor " + text(slices) : "";
    relations.require(
        resources.ranks / slices <= shards, path + ".ranks", "training.gradient_shards",
        "ranks " + text(resources.ranks) + shared + " is more than gradient_shards " +
            text(shards) + ": strict mode would leave the ranks beyond nothing to do");
}

void check_optimizer(const StageSection& stage, const std::string& path, Relations& relations) {
    relations.require(stage.optimizer.warmup_steps <= stage.steps, path + ".optimizer.warmup_steps",
                      path + ".steps",
                      "warmup_steps " + text(stage.optimizer.warmup_steps) +
                          " is more than steps " + text(stage.steps));
}

/// The key as a user would say it: without the stage that holds it.
std::string within_stage(const std::string& key) {
    constexpr std::string_view kStages = "stages.";
    return key.starts_with(kStages) ? key.substr(key.find('.', kStages.size()) + 1) : key;
}

/// An output must fit in the longest sequence, with at least one token of prompt before it.
void check_length(const Recipe& recipe, const StageSection& stage, const std::string& path,
                  const std::string& key, std::int64_t tokens, Relations& relations) {
    const std::string limit =
        (stage.model && relations.is_set(path + ".model.hidden_size") ? path + ".model" : "model") +
        ".max_position_embeddings";
    const std::int64_t longest = recipe.model_of(stage).max_position_embeddings;
    relations.require(tokens < longest, key, limit,
                      within_stage(key) + " " + text(tokens) +
                          " leaves no room for a prompt in max_position_embeddings " +
                          text(longest));
}

void check_switch(const StageSection& stage, const std::string& path, Relations& relations) {
    const std::string after = path + ".max_new_tokens_after";
    const std::string step = path + ".max_new_tokens_switch_step";
    const bool both = (stage.max_new_tokens_after > 0) == (stage.max_new_tokens_switch_step > 0);
    relations.require(both, stage.max_new_tokens_after > 0 ? after : step,
                      stage.max_new_tokens_after > 0 ? step : after,
                      "max_new_tokens_after and max_new_tokens_switch_step need each other: one is "
                      "set and the other is 0");
    relations.require(stage.max_new_tokens_switch_step <= stage.steps, step, path + ".steps",
                      "max_new_tokens_switch_step " + text(stage.max_new_tokens_switch_step) +
                          " is more than steps " + text(stage.steps));
}

void check_grpo(StageSection& stage, const std::string& path, Relations& relations) {
    const std::string rollout = path + ".rollout_size";
    const std::string group = path + ".group_size";
    const std::string prompts = path + ".prompts_per_step";
    relations.require(stage.group_size > 1, group, path + ".kind",
                      "group_size 1 leaves a grpo stage nothing to compare an output with");
    const std::int64_t update = stage.prompts_per_step * stage.group_size;
    if (relations.known(prompts) && relations.known(group) && relations.known(rollout)) {
        if (stage.rollout_size == 0) stage.rollout_size = update;
        relations.require(stage.rollout_size % update == 0, rollout,
                          relations.is_set(prompts) ? prompts : group,
                          "rollout_size " + text(stage.rollout_size) +
                              " is not a multiple of prompts_per_step x group_size, " +
                              text(stage.prompts_per_step) + " x " + text(stage.group_size) +
                              " = " + text(update));
    }
    relations.require(stage.dual_clip == 0 || stage.dual_clip > 1, path + ".dual_clip",
                      "dual_clip must be 0 (off) or more than 1");
    relations.require(stage.reference_every == 0 || stage.kl_coefficient > 0,
                      path + ".reference_every", path + ".kl_coefficient",
                      "reference_every has no effect while kl_coefficient is 0");
    check_switch(stage, path, relations);
}

void check_sample(const StageSection& stage, const std::string& path, Relations& relations) {
    relations.require(stage.keep_per_prompt <= stage.group_size, path + ".keep_per_prompt",
                      path + ".group_size",
                      "keep_per_prompt " + text(stage.keep_per_prompt) +
                          " is more than group_size " + text(stage.group_size));
}

void check_stage(const Recipe& recipe, StageSection& stage, const std::string& path,
                 Relations& relations) {
    if (stage.kind != StageKind::kSample) check_optimizer(stage, path, relations);
    if (stage.kind != StageKind::kSft)
        check_length(recipe, stage, path, path + ".sampling.max_new_tokens",
                     stage.sampling.max_new_tokens, relations);
    if (stage.kind != StageKind::kSample)
        check_length(recipe, stage, path, "evaluation.max_new_tokens",
                     recipe.evaluation.max_new_tokens, relations);
    if (stage.kind == StageKind::kGrpo) {
        check_grpo(stage, path, relations);
        check_length(recipe, stage, path, path + ".max_new_tokens_after",
                     stage.max_new_tokens_after, relations);
    }
    if (stage.kind == StageKind::kSample) check_sample(stage, path, relations);
}

/// A stage's resources are the run's but for the keys that the stage sets.
void inherit_resources(const Recipe& recipe, StageSection& stage, const std::string& path,
                       const Relations& relations) {
    if (!stage.resources) return;
    ResourcesSection resources = recipe.resources;
    for (const Row& row : stage_resources_table().rows)
        if (relations.is_set(path + ".resources." + std::string(row.key)))
            row.set(&resources, row.get(&*stage.resources));
    stage.resources = resources;
}

}  // namespace

void check_rules(Recipe& recipe, const Origins& origins, Problems& problems) {
    Relations relations(origins, problems);
    check_model(recipe.model, "model", relations);
    check_task(recipe.task, relations);
    check_rewards(recipe.rewards, relations);
    check_checkpoint(recipe.checkpoint, relations);
    check_shards(recipe, recipe.resources, "resources", relations);
    relations.require(recipe.evaluation.k <= recipe.evaluation.samples, "evaluation.k",
                      "evaluation.samples",
                      "k " + text(recipe.evaluation.k) + " is more than samples " +
                          text(recipe.evaluation.samples));
    for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
        const std::string path = "stages." + std::to_string(i);
        inherit_resources(recipe, recipe.stages[i], path, relations);
        if (relations.is_set(path + ".resources.ranks"))
            check_shards(recipe, *recipe.stages[i].resources, path + ".resources", relations);
        if (recipe.stages[i].model)
            check_model(*recipe.stages[i].model, path + ".model", relations);
    }
    check_parallel(recipe, relations);
    link_stages(recipe, relations);
    for (std::size_t i = 0; i < recipe.stages.size(); ++i)
        if (relations.known("stages." + std::to_string(i) + ".kind"))
            check_stage(recipe, recipe.stages[i], "stages." + std::to_string(i), relations);
}

}  // namespace r1
