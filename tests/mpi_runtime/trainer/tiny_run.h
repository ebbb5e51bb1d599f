// SPDX-License-Identifier: Apache-2.0
// A run small enough for tests: it reverses words of one or two letters with 10,000 weights.
#pragma once

#include <string>
#include <vector>

#include "mpi_runtime/trainer/stage.h"
#include "tests/common/temporary_folder.h"
#include "tests/mpi_runtime/trainer/save_snapshot.h"

namespace r1::test {

/// Stages of tiny_recipe(): 0 sft, 1 rl (from sft), 2 pick (from sft).
Recipe tiny_recipe(const std::vector<std::string>& overrides = {});

/// A session in a run folder of its own.
struct TinyRun {
    explicit TinyRun(const std::vector<std::string>& overrides = {},
                     Communicator* communicator = nullptr);
    /// Trains the sft stage and leaves its checkpoint in the run folder.
    void train_start();
    /// The checkpoint that another run's train_start() left.
    void take_start(const TinyRun& other);

    TemporaryFolder folder;
    std::unique_ptr<Communicator> self = make_self_communicator();
    Session session;
};

/// A run whose sft stage is done, made once a process: it solves some of the prompts.
const TinyRun& started_run();

/// The rl stage of a run of its own, on the weights of started_run(). The overrides are of the
/// stage's keys when they begin with a point, as ".steps=3".
struct TinyGrpo {
    explicit TinyGrpo(const std::vector<std::string>& overrides = {});
    TinyRun run;
    std::unique_ptr<Stage> stage;
};

/// A flat buffer of all ranks in host memory; collective.
std::vector<float> whole_of(Actor& actor, Kept kept);
/// The weights of a stage, in host memory.
std::vector<float> weights_of(Stage& stage);
std::vector<float> gradients_of(Stage& stage);
/// A metric by its name; fails the test when it is not there.
double metric(const Metrics& metrics, const std::string& name);
/// Everything but times, which no two runs share.
Metrics without_times(const Metrics& metrics);
/// Saves a stage as step `step` of the run, and opens it again.
SavedState save_and_open(const TinyRun& run, Stage& stage, std::int64_t step);
/// The rollout that a stage saves in the middle of it; empty at its end.
std::string packed_rollout(const TinyRun& run, Stage& stage);

}  // namespace r1::test
