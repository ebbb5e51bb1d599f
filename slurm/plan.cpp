// SPDX-License-Identifier: Apache-2.0
#include "slurm/plan.h"

#include <algorithm>

#include "common/error.h"
#include "common/units.h"

namespace r1 {

namespace {

[[noreturn]] void refuse(const std::string& message) {
    throw Error(ExitCode::kUsage, message);
}

std::string number(std::int64_t value) {
    return std::to_string(value);
}

std::string names_of(const ClusterProfile& profile, bool (*wanted)(const PartitionProfile&)) {
    std::string names;
    for (const PartitionProfile& partition : profile.partitions)
        if (wanted(partition)) names += (names.empty() ? "" : ", ") + partition.name;
    return names.empty() ? "none" : names;
}

/// Where the stages' resources send a job: what the command line says, then the first partition
/// that has the wanted type of GPU, then the profile's own.
const PartitionProfile& partition_for(const ResourcesSection& resources,
                                      const ClusterProfile& profile, const std::string& wished) {
    const PartitionProfile& own = profile.find_partition(wished);
    if (resources.gpu_type.empty() || own.gpu_type == resources.gpu_type) return own;
    if (wished.empty())
        for (const PartitionProfile& partition : profile.partitions)
            if (partition.gpu_type == resources.gpu_type) return partition;
    refuse("resources.gpu_type is " + resources.gpu_type + ", and partition " + own.name + " of " +
           profile.name + " has " + (own.gpu_type.empty() ? "no such type" : own.gpu_type) +
           "; take another partition or leave the key out");
}

bool wants_gpus(const ResourcesSection& resources, const PartitionProfile& partition,
                const ClusterProfile& profile) {
    if (resources.device == DeviceKind::kCpu) return false;
    if (partition.gpus_per_node > 0) return true;
    if (resources.device == DeviceKind::kAuto && resources.gpu_type.empty()) return false;
    refuse("the recipe needs GPUs, and partition " + partition.name + " of " + profile.name +
           " has none; partitions with GPUs: " +
           names_of(profile, [](const PartitionProfile& p) { return p.gpus_per_node > 0; }));
}

/// The most ranks that one node takes; 0 when it is not known.
std::int64_t room_of(const ResourcesSection& resources, const PartitionProfile& partition,
                     bool gpus) {
    const std::int64_t by_cores = partition.cores_per_node / resources.threads_per_rank;
    if (!gpus) return by_cores;
    return partition.cores_per_node > 0 ? std::min(partition.gpus_per_node, by_cores)
                                        : partition.gpus_per_node;
}

/// Equal nodes, as full as they get.
std::int64_t fit_ranks(std::int64_t ranks, std::int64_t room, const PartitionProfile& partition) {
    if (room == 0 || ranks <= room) return ranks;
    std::int64_t best = room;
    while (ranks % best != 0) --best;
    if (2 * best > room) return best;
    const std::int64_t below = ranks / room * room;
    refuse("resources.ranks " + number(ranks) + " does not fill nodes of " + number(room) +
           " ranks (partition " + partition.name + "); take " + number(below) + " or " +
           number(below + room) + ", or set resources.ranks_per_node");
}

void set_ranks(JobPlan& plan, const ResourcesSection& resources, const PartitionProfile& partition,
               bool gpus, std::int64_t wished_nodes) {
    const std::int64_t room = room_of(resources, partition, gpus);
    const std::string where = "of partition " + partition.name;
    if (partition.cores_per_node > 0 && resources.threads_per_rank > partition.cores_per_node)
        refuse("resources.threads_per_rank " + number(resources.threads_per_rank) +
               " is more than the " + number(partition.cores_per_node) + " cores of a node " +
               where);
    plan.ranks_per_node = resources.ranks_per_node;
    if (plan.ranks_per_node == 0) plan.ranks_per_node = fit_ranks(resources.ranks, room, partition);
    plan.ranks_per_node = std::min(plan.ranks_per_node, resources.ranks);
    if (room > 0 && plan.ranks_per_node > room)
        refuse("resources.ranks_per_node " + number(plan.ranks_per_node) + " is more than the " +
               number(room) + " ranks that a node " + where + " has " + (gpus ? "GPUs" : "cores") +
               " for");
    plan.ranks = wished_nodes > 0 ? wished_nodes * plan.ranks_per_node : resources.ranks;
    if (plan.ranks % plan.ranks_per_node != 0)
        refuse("resources.ranks " + number(plan.ranks) + " is not a multiple of ranks_per_node " +
               number(plan.ranks_per_node));
    plan.nodes = plan.ranks / plan.ranks_per_node;
    if (partition.nodes > 0 && plan.nodes > partition.nodes)
        refuse("the run needs " + number(plan.nodes) + " nodes; partition " + partition.name +
               " has " + number(partition.nodes));
}

void set_time_limit(JobPlan& plan, const ResourcesSection& resources,
                    const PartitionProfile& partition) {
    const Duration wanted = resources.time_limit;
    const Duration most = partition.time_limit;
    if (wanted.seconds == 0 && most.seconds == 0)
        refuse(
            "no time limit: set resources.time_limit (--set resources.time_limit=4h), or the "
            "time_limit of partition " +
            partition.name +
            " in the cluster file; a job without one waits behind every "
            "maintenance");
    if (most.seconds > 0 && wanted.seconds > most.seconds)
        refuse("resources.time_limit " + to_string(wanted) + " is more than the " +
               to_string(most) + " of partition " + partition.name +
               "; the run goes on in further attempts, so a smaller limit loses nothing");
    const std::int64_t seconds = wanted.seconds > 0 ? wanted.seconds : most.seconds;
    plan.time_limit_s = (seconds + 59) / 60 * 60;
}

JobPlan plan_stage(const ResourcesSection& resources, const ClusterProfile& profile,
                   const PlanWishes& wishes) {
    const PartitionProfile& partition = partition_for(resources, profile, wishes.partition);
    const bool gpus = wants_gpus(resources, partition, profile);
    JobPlan plan;
    plan.partition = partition.name;
    plan.threads_per_rank = resources.threads_per_rank;
    set_ranks(plan, resources, partition, gpus, wishes.nodes);
    if (gpus && profile.gpu_request != GpuRequest::kNone) {
        plan.gpus_per_node = plan.ranks_per_node;
        plan.gpu_type = partition.gpu_type;
    }
    const bool whole = profile.exclusive;
    // One rank uses one GPU, also where the cluster does not count them.
    const std::int64_t used_gpus = gpus ? plan.ranks_per_node : 0;
    plan.paid_gpus = plan.nodes * (whole ? partition.gpus_per_node : used_gpus);
    const std::int64_t asked_cores = plan.ranks_per_node * plan.threads_per_rank;
    plan.paid_cores =
        plan.nodes * (whole ? std::max(partition.cores_per_node, asked_cores) : asked_cores);
    set_time_limit(plan, resources, partition);
    return plan;
}

/// The ranks that share a model's matrices are neighbours on one node.
void check_slices(const JobPlan& plan, const Recipe& recipe) {
    const std::int64_t slices = std::max<std::int64_t>(recipe.parallel.tensor, 1);
    if (plan.ranks_per_node % slices != 0)
        refuse(number(plan.ranks_per_node) +
               " ranks a node are not a multiple of parallel.tensor " + number(slices) +
               ", whose ranks must be on one node; set resources.ranks_per_node to one");
}

bool same_resources(JobPlan a, const JobPlan& b) {
    a.first_stage = b.first_stage;
    a.end_stage = b.end_stage;
    return a == b;
}

}  // namespace

std::vector<JobPlan> plan_jobs(const Recipe& recipe, const ClusterProfile& profile,
                               const PlanWishes& wishes) {
    std::vector<JobPlan> plans;
    for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
        JobPlan plan = plan_stage(recipe.resources_of(recipe.stages[i]), profile, wishes);
        check_slices(plan, recipe);
        if (plans.empty() || !same_resources(plan, plans.back())) {
            plan.first_stage = i;
            plans.push_back(plan);
        }
        plans.back().end_stage = i + 1;
    }
    return plans;
}

std::size_t stage_at(const Recipe& recipe, std::int64_t step) {
    std::size_t stage = 0;
    for (std::int64_t end = 0; stage < recipe.stages.size(); ++stage) {
        end += recipe.stages[stage].steps;
        if (step < end) break;
    }
    return stage;
}

std::vector<JobPlan> plans_left(std::vector<JobPlan> plans, const Recipe& recipe,
                                std::int64_t step) {
    const std::size_t stage = stage_at(recipe, step);
    std::erase_if(plans, [stage](const JobPlan& plan) { return plan.end_stage <= stage; });
    return plans;
}

}  // namespace r1
