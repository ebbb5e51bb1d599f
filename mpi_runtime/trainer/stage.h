// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mpi_runtime/trainer/rollout_batch.h"
#include "mpi_runtime/trainer/saved_state.h"
#include "mpi_runtime/trainer/session.h"
#include "mpi_runtime/trainer/snapshot.h"

namespace r1 {

/// Named figures of one step, in the order in which they are written. The same on every rank.
using Metrics = std::vector<std::pair<std::string, double>>;

/// One stage at work. Every call is collective: all ranks make it with the same arguments.
class Stage {
  public:
    virtual ~Stage() = default;
    /// Does step `step` (from 0) of the stage.
    virtual Metrics step(std::int64_t step) = 0;
    /// Names what is needed to go on after the steps done so far.
    virtual void save(Snapshot& snapshot) = 0;
    virtual void restore(const SavedState& saved) = 0;
    /// Whose weights an evaluation is to look at; null when the stage trains nothing.
    virtual Actor* actor() = 0;
};

/// What a stage begins with: the weights that the recipe names, or those that restore() brings.
/// A stage that is restored does not read the others: they may be damaged by now.
enum class Beginning { kOfRecipe, kRestored };
std::unique_ptr<Stage> make_sft_stage(Session& session, std::size_t index, Beginning beginning);
std::unique_ptr<Stage> make_grpo_stage(Session& session, std::size_t index, Beginning beginning);
std::unique_ptr<Stage> make_sample_stage(Session& session, std::size_t index);
std::unique_ptr<Stage> make_stage(Session& session, std::size_t index,
                                  Beginning beginning = Beginning::kOfRecipe);

/// The number of the i-th training prompt of a stage: every stage has prompts of its own.
std::uint32_t prompt_number(std::size_t stage, std::int64_t i);

/// The weights and the optimizer's state under "model", "adam/m" and "adam/v".
void save_policy(Snapshot& snapshot, Actor& actor);
/// Each rank reads what it owns of them, and all exchange the weights.
void restore_policy(Session& session, const SavedState& saved, Actor& actor);

/// Generates `group_size` outputs of each of `prompts` training prompts from number `first` on,
/// over all ranks in equal parts, scores them, and returns this rank's part. Advantages are left at
/// 0.
struct SampleOrder {
    std::uint32_t first_prompt = 0;
    std::int64_t prompts = 0;
    std::int64_t group_size = 0;
    RolloutOptions options;
};
std::vector<Sample> generate_samples(Session& session, Actor& actor, const SampleOrder& order);

}  // namespace r1
