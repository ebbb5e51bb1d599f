// SPDX-License-Identifier: Apache-2.0
// A small cluster and a small recipe, for tests to change.
#pragma once

#include <string>

#include "slurm/plan.h"

namespace r1::testing {

/// Nodes of 8 h800 and 128 cores in "gpu", of 64 cores in "cpu".
inline ClusterProfile small_cluster() {
    ClusterProfile profile;
    profile.name = "alps";
    profile.currency = "USD";
    profile.mpi = "pmix";
    profile.kill_wait = {30};
    PartitionProfile gpu;
    gpu.name = "gpu";
    gpu.gpu_type = "h800";
    gpu.gpus_per_node = 8;
    gpu.cores_per_node = 128;
    gpu.nodes = 64;
    gpu.time_limit = {24 * 3600};
    gpu.price_per_gpu_hour = parse_hourly_price("2.00");
    PartitionProfile cpu;
    cpu.name = "cpu";
    cpu.cores_per_node = 64;
    cpu.nodes = 4;
    cpu.time_limit = {3600};
    cpu.price_per_core_hour = parse_hourly_price("0.01");
    profile.partitions = {gpu, cpu};
    return profile;
}

inline StageSection stage_of(const std::string& name, std::int64_t steps) {
    StageSection stage;
    stage.name = name;
    stage.steps = steps;
    stage.data = "demonstrations";
    return stage;
}

/// One stage of 10 steps on this many ranks of one thread.
inline Recipe small_recipe(std::int64_t ranks) {
    Recipe recipe;
    recipe.name = "tiny";
    recipe.resources.ranks = ranks;
    recipe.resources.threads_per_rank = 1;
    recipe.resources.attempts_without_progress = 5;
    recipe.resources.time_limit = {3600};
    recipe.stages = {stage_of("sft", 10)};
    return recipe;
}

}  // namespace r1::testing
