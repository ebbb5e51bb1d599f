// SPDX-License-Identifier: Apache-2.0
#include "slurm/preflight.h"

#include <algorithm>
#include <array>

#include "common/error.h"
#include "slurm/cluster_facts.h"
#include "slurm/shared_folder.h"

namespace r1 {

namespace {

std::string number(std::int64_t value) {
    return std::to_string(value);
}

/// Data files are read by the ranks, hours later.
void check_data_files(const Recipe& recipe, std::vector<Finding>& findings) {
    for (const StageSection& stage : recipe.stages) {
        if (stage.kind != StageKind::kSft || stage.data == "demonstrations" ||
            stage.data.starts_with("stage:"))
            continue;
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(stage.data, ignored))
            findings.push_back(
                {true, "stages." + stage.name + ".data: there is no file '" + stage.data + "'"});
    }
}

void check_shared(const Submission& submission, std::vector<Finding>& findings) {
    const std::array<std::pair<const char*, std::filesystem::path>, 3> needed{
        std::pair("the runs folder", submission.run.root().parent_path()),
        std::pair("r1ctl", submission.r1ctl),
        std::pair("the rank program", submission.rank_program)};
    for (const auto& [what, path] : needed) {
        if (!nodes_may_see(path, submission.profile.shared_folders))
            findings.push_back(
                {false, std::string(what) + " '" + path.string() +
                            "' lies on a disk of this machine, which the nodes may not see; where "
                            "they do, add its folder to shared_folders in the cluster file"});
    }
}

void check_partition(const JobPlan& plan, const PartitionFacts& facts,
                     std::vector<Finding>& findings) {
    const std::string who = "partition " + plan.partition;
    if (!facts.up) findings.push_back({true, who + " is not up; sinfo says more"});
    if (facts.time_limit_s && plan.time_limit_s > *facts.time_limit_s)
        findings.push_back({true, "resources.time_limit " + number(plan.time_limit_s / 60) +
                                      " minutes is more than the " + facts.time_limit_text +
                                      " of " + who});
    if (facts.nodes < plan.nodes)
        findings.push_back({true, "the run needs " + number(plan.nodes) + " nodes; " + who +
                                      " has " + number(facts.nodes)});
    else if (facts.usable_nodes < plan.nodes)
        findings.push_back({false, who + " has only " + number(facts.usable_nodes) +
                                       " usable nodes of the " + number(plan.nodes) +
                                       " that the run needs: it waits until others come back"});
    if (facts.cores_per_node > 0 &&
        plan.ranks_per_node * plan.threads_per_rank > facts.cores_per_node)
        findings.push_back({true, number(plan.ranks_per_node) + " ranks a node of " +
                                      number(plan.threads_per_rank) +
                                      " threads need more than the " +
                                      number(facts.cores_per_node) + " cores of a node of " + who});
    if (plan.gpus_per_node == 0) return;
    std::int64_t most = 0;
    std::string types;
    for (const GpuCount& gpu : facts.gpus) {
        types += (types.empty() ? "" : ", ") + number(gpu.count) +
                 (gpu.type.empty() ? "" : " " + gpu.type);
        if (plan.gpu_type.empty() || gpu.type == plan.gpu_type) most = std::max(most, gpu.count);
    }
    if (most < plan.gpus_per_node)
        findings.push_back({true, "a node needs " + number(plan.gpus_per_node) + " GPUs" +
                                      (plan.gpu_type.empty() ? "" : " of type " + plan.gpu_type) +
                                      "; those of " + who + " have " +
                                      (types.empty() ? "none" : types)});
}

void check_partitions(const std::vector<JobPlan>& plans, std::vector<Finding>& findings) {
    const std::vector<PartitionFacts> partitions = read_partitions();
    for (const JobPlan& plan : plans) {
        const auto facts = std::find_if(
            partitions.begin(), partitions.end(),
            [&](const PartitionFacts& partition) { return partition.name == plan.partition; });
        if (facts != partitions.end()) {
            check_partition(plan, *facts, findings);
            continue;
        }
        std::string names;
        for (const PartitionFacts& partition : partitions)
            names += (names.empty() ? "" : ", ") + partition.name;
        findings.push_back({true, "the cluster has no partition " + plan.partition +
                                      "; it has: " + (names.empty() ? "none" : names)});
    }
}

}  // namespace

std::vector<Finding> preflight(const Submission& submission, const std::vector<JobPlan>& plans,
                               Scheduler& scheduler) {
    std::vector<Finding> findings;
    check_data_files(submission.recipe, findings);
    check_shared(submission, findings);
    check_partitions(plans, findings);
    for (const Finding& finding : findings)
        if (finding.fatal) return findings;  // sbatch would only say the same with fewer words
    int job = 0;
    for (const JobPlan& plan : plans) {
        ++job;
        JobRequest request = job_request(submission, plan, job, {});
        request.script.clear();  // it is not written yet
        const Forecast forecast = scheduler.forecast(request);
        findings.push_back({!forecast.accepted, forecast.message});
    }
    return findings;
}

}  // namespace r1
