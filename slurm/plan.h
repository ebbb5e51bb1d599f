// SPDX-License-Identifier: Apache-2.0
// What a run asks of a cluster: one job for each group of consecutive stages with equal resources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "recipes/recipe.h"
#include "slurm/profile.h"

namespace r1 {

struct JobPlan {
    std::size_t first_stage = 0;
    std::size_t end_stage = 0;  ///< one past the last
    std::string partition;
    std::int64_t ranks = 0;
    std::int64_t nodes = 0;
    std::int64_t ranks_per_node = 0;
    std::int64_t threads_per_rank = 0;
    std::int64_t gpus_per_node = 0;  ///< asked for
    std::string gpu_type;
    std::int64_t paid_gpus = 0;     ///< allocated over all nodes: more than asked on whole nodes
    std::int64_t paid_cores = 0;    ///< likewise; of what is asked where the node's are not known
    std::int64_t time_limit_s = 0;  ///< of one attempt, in whole minutes
    friend bool operator==(const JobPlan&, const JobPlan&) = default;
};

/// What the command line says in the place of the recipe and the profile.
struct PlanWishes {
    std::string partition;
    std::int64_t nodes = 0;  ///< ranks become nodes × ranks a node; 0: as the recipe says
};

/// Throws Error (kUsage) that names the key and the remedy when the recipe does not fit the
/// cluster.
std::vector<JobPlan> plan_jobs(const Recipe& recipe, const ClusterProfile& profile,
                               const PlanWishes& wishes = {});

/// The stage in the midst of which, or before which, a run is after `step` steps over all stages.
std::size_t stage_at(const Recipe& recipe, std::int64_t step);

/// The part of the plan that is left after `step` steps over all stages: the job in the midst of
/// whose stages it is, and those after it. Empty when every stage is done.
std::vector<JobPlan> plans_left(std::vector<JobPlan> plans, const Recipe& recipe,
                                std::int64_t step);

}  // namespace r1
