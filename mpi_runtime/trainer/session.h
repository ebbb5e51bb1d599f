// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/lease.h"
#include "checkpoint/run_directory.h"
#include "kernels/backend.h"
#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/comm/tensor_group.h"
#include "mpi_runtime/model/model_shape.h"
#include "mpi_runtime/reward/task.h"
#include "mpi_runtime/rollout/rollout_engine.h"
#include "mpi_runtime/tokenizer/tokenizer.h"
#include "mpi_runtime/trainer/actor.h"
#include "mpi_runtime/trainer/fence.h"
#include "mpi_runtime/trainer/rank_device.h"
#include "mpi_runtime/trainer/rank_groups.h"
#include "recipes/recipe.h"

namespace r1 {

/// What every part of one rank works with. Borrows the communicator; owns the rest.
struct Session {
    Session(RunDirectory directory, Recipe recipe_in, Communicator& communicator);

    bool leader() const { return comm.rank() == 0; }
    /// Of the whole model.
    ModelShape shape_of(const StageSection& stage) const;
    RolloutLimits rollout_limits() const;
    /// The step, over all stages, at which stage `index` begins.
    std::int64_t first_step(std::size_t index) const;
    std::int64_t total_steps() const { return first_step(recipe.stages.size()); }
    std::size_t stage_index(const std::string& name) const;
    std::unique_ptr<Actor> make_actor(const StageSection& stage, bool reference = false);

    RunDirectory run;
    Recipe recipe;
    Communicator& comm;
    RankGroups groups;
    Communicator& data;  ///< of `groups`: over these the work is spread
    RankDevice device;
    std::unique_ptr<TensorGroup> tensors;  ///< of `data` and the device
    std::unique_ptr<TensorGroup> slices;   ///< of the ranks that share a model; null without
    std::unique_ptr<Tokenizer> tokenizer;
    std::unique_ptr<Task> task;
    Fence fence;  ///< of a command that trains: set before it begins
    /// Of the leader of a command that trains: nobody else writes to the run meanwhile.
    std::unique_ptr<Lease> lease;
};

/// The weights a stage starts with: random, or those of the verified checkpoint that ended the
/// stage named by `from`. In host memory, in the whole model's flat layout. Collective.
std::vector<float> starting_parameters(const Session& session, std::size_t stage);

}  // namespace r1
