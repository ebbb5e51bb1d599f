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
#include "mpi_runtime/model/model_shape.h"
#include "mpi_runtime/reward/task.h"
#include "mpi_runtime/rollout/rollout_engine.h"
#include "mpi_runtime/tokenizer/tokenizer.h"
#include "mpi_runtime/trainer/fence.h"
#include "mpi_runtime/trainer/model_runner.h"
#include "mpi_runtime/trainer/policy.h"
#include "recipes/recipe.h"

namespace r1 {

/// What every part of one rank works with. Borrows the communicator; owns the rest.
struct Session {
    Session(RunDirectory directory, Recipe recipe_in, Communicator& communicator);

    bool leader() const { return comm.rank() == 0; }
    ModelShape shape_of(const StageSection& stage) const;
    RolloutLimits rollout_limits() const;
    /// The step, over all stages, at which stage `index` begins.
    std::int64_t first_step(std::size_t index) const;
    std::int64_t total_steps() const { return first_step(recipe.stages.size()); }
    std::size_t stage_index(const std::string& name) const;

    RunDirectory run;
    Recipe recipe;
    Communicator& comm;
    std::unique_ptr<Backend<float>> backend;
    std::unique_ptr<Tokenizer> tokenizer;
    std::unique_ptr<Task> task;
    Fence fence;  ///< of a command that trains: set before it begins
    /// Of the leader of a command that trains: nobody else writes to the run meanwhile.
    std::unique_ptr<Lease> lease;
};

/// A policy with the engines that train it and sample from it.
struct Actor {
    Actor(const Session& session, const StageSection& stage)
        : policy(session.shape_of(stage), *session.backend, session.comm.rank(),
                 session.comm.size()),
          runner(policy.model()),
          rollout(policy.model(), session.rollout_limits()) {}
    Policy policy;
    ModelRunner<float> runner;
    RolloutEngine<float> rollout;
};

/// The weights a stage starts with: random, or those of the verified checkpoint that ended the
/// stage named by `from`. In host memory, in the flat layout. Collective.
std::vector<float> starting_parameters(const Session& session, std::size_t stage);

}  // namespace r1
