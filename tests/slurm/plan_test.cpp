// SPDX-License-Identifier: Apache-2.0
#include "slurm/plan.h"

#include <gtest/gtest.h>

#include "tests/slurm/plan_fixture.h"
#include "tests/slurm/profile_fixture.h"

namespace r1 {
namespace {

using testing::small_cluster;
using testing::small_recipe;
using testing::stage_of;
using testing::usage_error;

JobPlan plan(const Recipe& recipe, const ClusterProfile& profile = small_cluster(),
             const PlanWishes& wishes = {}) {
    return plan_jobs(recipe, profile, wishes).at(0);
}

std::string complaint(const Recipe& recipe, const ClusterProfile& profile = small_cluster(),
                      const PlanWishes& wishes = {}) {
    return usage_error([&] { plan_jobs(recipe, profile, wishes); });
}

std::int64_t ranks_a_node(std::int64_t ranks) {
    return plan(small_recipe(ranks)).ranks_per_node;
}

Recipe on_cpus(std::int64_t ranks) {
    Recipe recipe = small_recipe(ranks);
    recipe.resources.device = DeviceKind::kCpu;
    return recipe;
}

TEST(JobPlan, RanksFillEqualNodes) {
    EXPECT_EQ(ranks_a_node(1), 1);
    EXPECT_EQ(ranks_a_node(5), 5);
    EXPECT_EQ(ranks_a_node(8), 8);
    EXPECT_EQ(ranks_a_node(10), 5);
    EXPECT_EQ(ranks_a_node(12), 6);
    EXPECT_EQ(ranks_a_node(512), 8);
    EXPECT_EQ(plan(small_recipe(12)).nodes, 2);
    EXPECT_EQ(plan(small_recipe(512)).nodes, 64);
}

TEST(JobPlan, RanksThatFillNoNodesAreRefusedWithTheNearest) {
    EXPECT_EQ(complaint(small_recipe(9)),
              "resources.ranks 9 does not fill nodes of 8 ranks (partition gpu); take 8 or 16, or "
              "set resources.ranks_per_node");
    EXPECT_EQ(complaint(small_recipe(509)),
              "resources.ranks 509 does not fill nodes of 8 ranks (partition gpu); take 504 or "
              "512, or set resources.ranks_per_node");
}

TEST(JobPlan, RanksThatShareAModelAreOnOneNode) {
    Recipe recipe = small_recipe(12);
    recipe.parallel.tensor = 2;
    EXPECT_EQ(plan(recipe).ranks_per_node, 6);
    recipe.parallel.tensor = 4;
    EXPECT_EQ(complaint(recipe),
              "6 ranks a node are not a multiple of parallel.tensor 4, whose ranks must be on one "
              "node; set resources.ranks_per_node to one");
    recipe.resources.ranks_per_node = 4;
    EXPECT_EQ(plan(recipe).nodes, 3);
}

TEST(JobPlan, RanksPerNodeOfTheRecipeCounts) {
    Recipe recipe = small_recipe(9);
    recipe.resources.ranks_per_node = 3;
    EXPECT_EQ(plan(recipe).nodes, 3);
    recipe.resources.ranks_per_node = 4;
    EXPECT_EQ(complaint(recipe), "resources.ranks 9 is not a multiple of ranks_per_node 4");
    recipe.resources.ranks_per_node = 9;
    EXPECT_EQ(
        complaint(recipe),
        "resources.ranks_per_node 9 is more than the 8 ranks that a node of partition gpu has "
        "GPUs for");
    recipe.resources.ranks_per_node = 100;  // no more than there are
    EXPECT_EQ(plan([&] {
                  recipe.resources.ranks = 2;
                  return recipe;
              }())
                  .ranks_per_node,
              2);
}

TEST(JobPlan, CoresBoundTheRanksOfANode) {
    Recipe recipe = small_recipe(8);
    recipe.resources.threads_per_rank = 32;
    EXPECT_EQ(plan(recipe).nodes, 2);
    EXPECT_EQ(plan(recipe).ranks_per_node, 4);
    recipe.resources.threads_per_rank = 129;
    EXPECT_EQ(complaint(recipe),
              "resources.threads_per_rank 129 is more than the 128 cores of a node of partition "
              "gpu");
    Recipe cpu = on_cpus(64);
    cpu.resources.ranks_per_node = 64;
    cpu.resources.threads_per_rank = 2;
    EXPECT_EQ(complaint(cpu, small_cluster(), {"cpu", 0}),
              "resources.ranks_per_node 64 is more than the 32 ranks that a node of partition cpu "
              "has cores for");
}

TEST(JobPlan, UnknownCoresBoundNothing) {
    ClusterProfile profile = small_cluster();
    profile.partitions[1].cores_per_node = 0;
    const JobPlan job = plan(on_cpus(300), profile, {"cpu", 0});
    EXPECT_EQ(job.nodes, 1);
    EXPECT_EQ(job.paid_cores, 300);
}

TEST(JobPlan, OneRankAGpuWhereThePartitionHasThem) {
    const JobPlan job = plan(small_recipe(16));
    EXPECT_EQ(job.partition, "gpu");
    EXPECT_EQ(job.gpus_per_node, 8);
    EXPECT_EQ(job.gpu_type, "h800");
    EXPECT_EQ(job.paid_gpus, 16);
    EXPECT_EQ(job.paid_cores, 16);
}

TEST(JobPlan, CpuRecipeAsksForNoGpus) {
    const JobPlan job = plan(on_cpus(16));
    EXPECT_EQ(job.gpus_per_node, 0);
    EXPECT_EQ(job.gpu_type, "");
    EXPECT_EQ(job.paid_gpus, 0);
    EXPECT_EQ(job.nodes, 1);
}

TEST(JobPlan, AutoTakesCoresWhereThereAreNoGpusAndCudaIsRefused) {
    Recipe recipe = small_recipe(16);
    EXPECT_EQ(plan(recipe, small_cluster(), {"cpu", 0}).gpus_per_node, 0);
    recipe.resources.device = DeviceKind::kCuda;
    EXPECT_EQ(complaint(recipe, small_cluster(), {"cpu", 0}),
              "the recipe needs GPUs, and partition cpu of alps has none; partitions with GPUs: "
              "gpu");
    ClusterProfile profile = small_cluster();
    profile.partitions.erase(profile.partitions.begin());
    EXPECT_EQ(complaint(recipe, profile),
              "the recipe needs GPUs, and partition cpu of alps has none; partitions with GPUs: "
              "none");
}

TEST(JobPlan, GpuTypeFindsItsPartition) {
    ClusterProfile profile = small_cluster();
    profile.partition = "cpu";
    Recipe recipe = small_recipe(8);
    recipe.resources.gpu_type = "h800";
    EXPECT_EQ(plan(recipe, profile).partition, "gpu");
    EXPECT_EQ(
        complaint(recipe, profile, {"cpu", 0}),
        "resources.gpu_type is h800, and partition cpu of alps has no such type; take another "
        "partition or leave the key out");
    recipe.resources.gpu_type = "a100";
    profile.partition = "gpu";
    EXPECT_EQ(complaint(recipe, profile),
              "resources.gpu_type is a100, and partition gpu of alps has h800; take another "
              "partition or leave the key out");
}

TEST(JobPlan, GpusOfAClusterThatDoesNotCountThemArePaidFor) {
    ClusterProfile profile = small_cluster();
    profile.gpu_request = GpuRequest::kNone;
    const JobPlan job = plan(small_recipe(16), profile);
    EXPECT_EQ(job.gpus_per_node, 0);
    EXPECT_EQ(job.nodes, 2);
    EXPECT_EQ(job.paid_gpus, 16);
}

TEST(JobPlan, WholeNodesAreAllPaidFor) {
    ClusterProfile profile = small_cluster();
    profile.exclusive = true;
    const JobPlan gpus = plan(small_recipe(2), profile);
    EXPECT_EQ(gpus.gpus_per_node, 2);
    EXPECT_EQ(gpus.paid_gpus, 8);
    EXPECT_EQ(gpus.paid_cores, 128);
    EXPECT_EQ(plan(on_cpus(2), profile).paid_gpus, 8);
    profile.partitions[0].cores_per_node = 0;
    EXPECT_EQ(plan(small_recipe(2), profile).paid_cores, 2);
}

TEST(JobPlan, WishedNodesTakeThePlaceOfTheRanks) {
    EXPECT_EQ(plan(small_recipe(8), small_cluster(), {"", 4}).ranks, 32);
    EXPECT_EQ(plan(small_recipe(2), small_cluster(), {"", 4}).ranks, 8);
    EXPECT_EQ(complaint(small_recipe(8), small_cluster(), {"", 65}),
              "the run needs 65 nodes; partition gpu has 64");
    ClusterProfile profile = small_cluster();
    profile.partitions[0].nodes = 0;
    EXPECT_EQ(plan(small_recipe(8), profile, {"", 65}).nodes, 65);
}

TEST(JobPlan, WishedPartitionHasToExist) {
    EXPECT_NE(complaint(small_recipe(1), small_cluster(), {"gpus", 0}).find("'gpu'"),
              std::string::npos);
}

TEST(JobPlan, TimeLimitIsTheRecipesThenThePartitionsInWholeMinutes) {
    Recipe recipe = small_recipe(1);
    recipe.resources.time_limit = {61};
    EXPECT_EQ(plan(recipe).time_limit_s, 120);
    recipe.resources.time_limit = {0};
    EXPECT_EQ(plan(recipe).time_limit_s, 24 * 3600);
}

TEST(JobPlan, TimeLimitThatIsMissingOrTooLongIsRefused) {
    Recipe recipe = small_recipe(1);
    recipe.resources.time_limit = {25 * 3600};
    EXPECT_EQ(complaint(recipe),
              "resources.time_limit 1d1h is more than the 1d of partition gpu; the run goes on in "
              "further attempts, so a smaller limit loses nothing");
    ClusterProfile profile = small_cluster();
    profile.partitions[0].time_limit = {0};
    EXPECT_EQ(plan(recipe, profile).time_limit_s, 25 * 3600);
    recipe.resources.time_limit = {0};
    EXPECT_EQ(complaint(recipe, profile),
              "no time limit: set resources.time_limit (--set resources.time_limit=4h), or the "
              "time_limit of partition gpu in the cluster file; a job without one waits behind "
              "every maintenance");
}

/// sft and rl alike, sample on two ranks, eval as sft.
Recipe of_four_stages() {
    Recipe recipe = small_recipe(8);
    recipe.stages = {stage_of("sft", 10), stage_of("rl", 20), stage_of("sample", 5),
                     stage_of("last", 10)};
    recipe.stages[2].resources = recipe.resources;
    recipe.stages[2].resources->ranks = 2;
    recipe.stages[3].resources = recipe.resources;
    return recipe;
}

TEST(JobPlan, ConsecutiveStagesOfEqualResourcesAreOneJob) {
    const auto plans = plan_jobs(of_four_stages(), small_cluster());
    ASSERT_EQ(plans.size(), 3U);
    EXPECT_EQ(plans[0].first_stage, 0U);
    EXPECT_EQ(plans[0].end_stage, 2U);
    EXPECT_EQ(plans[1].first_stage, 2U);
    EXPECT_EQ(plans[1].end_stage, 3U);
    EXPECT_EQ(plans[1].ranks, 2);
    EXPECT_EQ(plans[2].first_stage, 3U);
    EXPECT_EQ(plans[2].end_stage, 4U);
    EXPECT_EQ(plans[2].ranks, 8);
}

TEST(JobPlan, StageOfAStep) {
    const Recipe recipe = of_four_stages();
    EXPECT_EQ(stage_at(recipe, 0), 0U);
    EXPECT_EQ(stage_at(recipe, 9), 0U);
    EXPECT_EQ(stage_at(recipe, 10), 1U);
    EXPECT_EQ(stage_at(recipe, 29), 1U);
    EXPECT_EQ(stage_at(recipe, 30), 2U);
    EXPECT_EQ(stage_at(recipe, 35), 3U);
    EXPECT_EQ(stage_at(recipe, 45), 4U);
    EXPECT_EQ(stage_at(recipe, 1000), 4U);
}

TEST(JobPlan, PlansOfDoneStagesAreLeftOut) {
    const Recipe recipe = of_four_stages();
    const auto plans = plan_jobs(recipe, small_cluster());
    EXPECT_EQ(plans_left(plans, recipe, 0), plans);
    EXPECT_EQ(plans_left(plans, recipe, 29), plans);
    EXPECT_EQ(plans_left(plans, recipe, 30).size(), 2U);
    EXPECT_EQ(plans_left(plans, recipe, 30).at(0).first_stage, 2U);
    EXPECT_EQ(plans_left(plans, recipe, 44).size(), 1U);
    EXPECT_TRUE(plans_left(plans, recipe, 45).empty());
}

}  // namespace
}  // namespace r1
