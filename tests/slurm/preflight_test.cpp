// SPDX-License-Identifier: Apache-2.0
#include "slurm/preflight.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/common/message_of.h"
#include "tests/slurm/fake_scheduler.h"
#include "tests/slurm/fake_slurm.h"
#include "tests/slurm/plan_fixture.h"

namespace r1 {
namespace {

using testing::FakeScheduler;
using testing::small_cluster;
using testing::small_recipe;

class Preflight : public ::testing::Test {
  protected:
    Preflight()
        : submission_{create_run(slurm_.folder(), "run1", "x"),
                      small_recipe(16),
                      small_cluster(),
                      slurm_.folder() / "r1ctl",
                      slurm_.folder() / "r1ctl-rank",
                      {}} {
        submission_.profile.shared_folders = {slurm_.folder().string() + "/"};
        cluster(
            "gpu*|up|1-00:00:00|64|idle|128|gpu:h800:8(S:0-1)\n"
            "cpu|up|infinite|4|idle|64|(null)\n");
    }
    void cluster(const std::string& lines) { slurm_.out("sinfo", lines); }
    std::vector<Finding> find() {
        return preflight(submission_, plan_jobs(submission_.recipe, submission_.profile, wishes_),
                         scheduler_);
    }
    void expect_fatal(const std::string& message) {
        const auto findings = find();
        ASSERT_EQ(findings.size(), 1U) << message;
        EXPECT_EQ(findings[0].message, message);
        EXPECT_TRUE(findings[0].fatal) << message;
        EXPECT_TRUE(scheduler_.forecasted.empty()) << message;
    }

    FakeSlurm slurm_;
    Submission submission_;
    PlanWishes wishes_;
    FakeScheduler scheduler_;
};

TEST_F(Preflight, GoodPlanIsForecastWithoutAScript) {
    const auto findings = find();
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_FALSE(findings[0].fatal);
    EXPECT_EQ(findings[0].message, "starts at once");
    ASSERT_EQ(scheduler_.forecasted.size(), 1U);
    EXPECT_TRUE(scheduler_.forecasted[0].script.empty());
    EXPECT_EQ(scheduler_.forecasted[0].options.at(0), "--nodes=2");
    EXPECT_EQ(slurm_.calls("sinfo"), 1U);
    EXPECT_FALSE(std::filesystem::exists(submission_.run.job_script(1)));
}

TEST_F(Preflight, WhatSbatchWouldRefuseIsFatalInItsOwnWords) {
    scheduler_.next_forecast = {false, "Invalid account or account/partition combination"};
    const auto findings = find();
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_TRUE(findings[0].fatal);
    EXPECT_EQ(findings[0].message, "Invalid account or account/partition combination");
}

TEST_F(Preflight, PartitionThatDoesNotExistOrIsDown) {
    cluster("a*|up|infinite|4|idle|64|(null)\nb|up|infinite|4|idle|64|(null)\n");
    expect_fatal("the cluster has no partition gpu; it has: a, b");
    cluster("");
    expect_fatal("the cluster has no partition gpu; it has: none");
    cluster("gpu|drain|1-00:00:00|64|idle|128|gpu:h800:8\n");
    expect_fatal("partition gpu is not up; sinfo says more");
}

TEST_F(Preflight, TimeLimitOfThePartition) {
    cluster("gpu|up|30:00|64|idle|128|gpu:h800:8\n");
    expect_fatal("resources.time_limit 60 minutes is more than the 30:00 of partition gpu");
    cluster("gpu|up|1:00:00|64|idle|128|gpu:h800:8\n");
    EXPECT_FALSE(find().at(0).fatal);
}

TEST_F(Preflight, NodesThatThereAreAndThatAreUsable) {
    cluster("gpu|up|1-00:00:00|1|idle|128|gpu:h800:8\n");
    expect_fatal("the run needs 2 nodes; partition gpu has 1");
    cluster("gpu|up|1-00:00:00|1|idle|128|gpu:h800:8\ngpu|up|1-00:00:00|1|down|128|gpu:h800:8\n");
    const auto findings = find();
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_FALSE(findings[0].fatal);
    EXPECT_EQ(findings[0].message,
              "partition gpu has only 1 usable nodes of the 2 that the run needs: it waits until "
              "others come back");
    EXPECT_EQ(findings[1].message, "starts at once");
}

TEST_F(Preflight, CoresOfANode) {
    cluster("gpu|up|1-00:00:00|64|idle|7|gpu:h800:8\n");
    expect_fatal(
        "8 ranks a node of 1 threads need more than the 7 cores of a node of partition gpu");
}

TEST_F(Preflight, GpusOfANode) {
    const auto with = [this](const std::string& gres) {
        cluster("gpu|up|1-00:00:00|64|idle|128|" + gres + "\n");
    };
    with("gpu:h800:4,gpu:t4:8");
    expect_fatal("a node needs 8 GPUs of type h800; those of partition gpu have 4 h800, 8 t4");
    with("(null)");
    expect_fatal("a node needs 8 GPUs of type h800; those of partition gpu have none");
    submission_.profile.partitions[0].gpu_type = "";
    with("gpu:4");
    expect_fatal("a node needs 8 GPUs; those of partition gpu have 4");
    with("gpu:8");
    EXPECT_FALSE(find().at(0).fatal);
}

TEST_F(Preflight, DataFileThatIsNotThere) {
    StageSection& stage = submission_.recipe.stages[0];
    const std::string file = (slurm_.folder() / "data.jsonl").string();
    stage.data = file;
    expect_fatal("stages.sft.data: there is no file '" + file + "'");
    std::ofstream(file) << "{}\n";
    EXPECT_FALSE(find().at(0).fatal);
    stage.data = "stage:before";
    EXPECT_FALSE(find().at(0).fatal);
    stage.data = "nothing";
    stage.kind = StageKind::kGrpo;
    EXPECT_FALSE(find().at(0).fatal);
}

TEST_F(Preflight, FoldersThatOnlyThisMachineHasAreNotes) {
    // Shared memory is a file system of this machine everywhere.
    submission_.run = RunDirectory("/dev/shm/r1-none-such/runs/run1");
    submission_.r1ctl = "/dev/shm/r1-none-such/r1ctl";
    submission_.rank_program = "/dev/shm/r1-none-such/r1ctl-rank";
    const std::string why =
        "' lies on a disk of this machine, which the nodes may not see; where they do, add its "
        "folder to shared_folders in the cluster file";
    auto findings = find();
    ASSERT_EQ(findings.size(), 4U);
    EXPECT_EQ(findings[0].message, "the runs folder '/dev/shm/r1-none-such/runs" + why);
    EXPECT_EQ(findings[1].message, "r1ctl '/dev/shm/r1-none-such/r1ctl" + why);
    EXPECT_EQ(findings[2].message, "the rank program '/dev/shm/r1-none-such/r1ctl-rank" + why);
    for (const Finding& finding : findings) EXPECT_FALSE(finding.fatal);
    submission_.profile.shared_folders = {"/dev/shm/r1-none"};
    EXPECT_EQ(find().size(), 4U);  // another folder with the same beginning
    submission_.profile.shared_folders = {"/scratch", "/dev/shm/r1-none-such"};
    EXPECT_EQ(find().size(), 1U);
}

TEST_F(Preflight, EveryFaultIsFoundAtOnce) {
    submission_.recipe.stages[0].data = "/none/such";
    cluster("gpu|drain|30:00|1|idle|7|(null)\n");
    EXPECT_EQ(find().size(), 6U);
}

TEST_F(Preflight, SilentClusterIsAnError) {
    slurm_.err("sinfo", "sinfo: error: Unable to contact slurm controller\n");
    EXPECT_EQ(message_of([&] { find(); }),
              "sinfo failed (exit code 1): Unable to contact slurm controller");
}

}  // namespace
}  // namespace r1
