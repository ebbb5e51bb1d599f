// SPDX-License-Identifier: Apache-2.0
#include "slurm/job_script.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/subprocess.h"
#include "recipes/load.h"
#include "tests/slurm/plan_fixture.h"
#include "tests/slurm/profile_fixture.h"

namespace r1 {
namespace {

using testing::small_cluster;
using testing::usage_error;

JobPlace place() {
    JobPlace place;
    place.run = "/scratch/runs/tiny-20261121-202601-x7k2qf";
    place.r1ctl = "/opt/r1/bin/r1ctl";
    place.rank_program = "/opt/r1/libexec/r1ctl-rank";
    place.environment = {{"LD_LIBRARY_PATH", "/opt/lib"}, {"PATH", "/usr/bin:/bin"}};
    return place;
}

/// Two whole nodes of eight GPUs.
JobPlan two_nodes() {
    return {0, 1, "gpu", 16, 2, 8, 4, 8, "h800", 16, 64, 4 * 3600};
}

/// Compares with golden/<name>, byte for byte.
void expect_golden(const std::string& name, const std::string& script) {
    const std::string path = std::string(R1_GOLDEN_FOLDER) + "/" + name;
    if (std::getenv("R1_WRITE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << script;
    std::ostringstream golden;
    golden << std::ifstream(path, std::ios::binary).rdbuf();
    EXPECT_EQ(script, golden.str())
        << "when the change is wanted: R1_WRITE_GOLDEN=1 job_script_test, and read git diff";
    EXPECT_TRUE(run_and_capture({.arguments = {"bash", "-n", path}}).end.ok()) << path;
}

TEST(JobScript, TwoNodesOfEightGpusUnderSrun) {
    expect_golden("two_nodes_srun.sbatch", job_script(two_nodes(), small_cluster(), place()));
}

TEST(JobScript, MpirunWithoutGpusInAContainerWithModules) {
    ClusterProfile profile = small_cluster();
    profile.launcher = RankLauncher::kMpirun;
    profile.launcher_options = {"--mca", "btl", "tcp,self"};
    profile.modules = {"gcc/12", "openmpi/4.1"};
    profile.container = {"apptainer", "exec", "/images/r1 2.sif"};
    profile.environment = {{"NCCL_DEBUG", "WARN"}, {"UCX_TLS", "rc,sm"}};
    const JobPlan plan{1, 3, "cpu", 12, 3, 4, 2, 0, "", 0, 24, 3600};
    JobPlace second = place();
    second.job = 2;
    expect_golden("mpirun_container.sbatch", job_script(plan, profile, second));
}

TEST(JobScript, GresAndWholeNodesChangeNothingButTheOptions) {
    ClusterProfile profile = small_cluster();
    profile.gpu_request = GpuRequest::kGres;
    profile.exclusive = true;
    profile.kill_wait = {90};
    profile.launcher_options = {"--cpu-bind=cores"};
    expect_golden("gres_exclusive.sbatch", job_script(two_nodes(), profile, place()));
    const auto options = sbatch_options(two_nodes(), profile, place(), {});
    EXPECT_EQ(options.at(11), "--gres=gpu:h800:8");
    EXPECT_EQ(options.at(12), "--exclusive");
}

TEST(JobScript, TextsThatNoShellCanCarryAreRefused) {
    const std::string why = " has a line break or a NUL, which no job script can carry";
    JobPlace bad = place();
    bad.run = "/scratch/a\nb";
    EXPECT_EQ(usage_error([&] { job_script(two_nodes(), small_cluster(), bad); }),
              "the run folder '/scratch/a\\x0Ab'" + why);
    bad = place();
    bad.environment["PATH"] = "a\rb";
    EXPECT_EQ(usage_error([&] { job_script(two_nodes(), small_cluster(), bad); }),
              "PATH 'a\\x0Db'" + why);
    ClusterProfile profile = small_cluster();
    profile.environment["KEY"] = std::string("a\0b", 3);
    EXPECT_EQ(usage_error([&] { job_script(two_nodes(), profile, place()); }),
              "KEY 'a\\x00b'" + why);
    for (auto list : {&ClusterProfile::modules, &ClusterProfile::container,
                      &ClusterProfile::launcher_options}) {
        profile = small_cluster();
        profile.*list = {"x\ny"};
        EXPECT_EQ(usage_error([&] { job_script(two_nodes(), profile, place()); }),
                  "the profile's word 'x\\x0Ay'" + why);
    }
}

TEST(ShellQuoted, EveryTextIsOneWord) {
    EXPECT_EQ(shell_quoted(""), "''");
    EXPECT_EQ(shell_quoted("a b"), "'a b'");
    EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
    EXPECT_EQ(shell_quoted("$(x)`y`\\\""), "'$(x)`y`\\\"'");
}

TEST(SbatchOptions, AreThisListAndNoMore) {
    SubmitWishes wishes;
    wishes.warning_s = 300;
    EXPECT_EQ(sbatch_options(two_nodes(), small_cluster(), place(), wishes),
              (std::vector<std::string>{
                  "--nodes=2", "--ntasks-per-node=8", "--cpus-per-task=4", "--time=240",
                  "--partition=gpu", "--requeue", "--open-mode=append",
                  "--output=/scratch/runs/tiny-20261121-202601-x7k2qf/slurm-%j.out", "--chdir=/",
                  "--export=NIL", "--kill-on-invalid-dep=yes", "--gpus-per-node=h800:8",
                  "--signal=USR2@300", "--dependency=singleton"}));
}

TEST(SbatchOptions, EveryWishIsAnArgumentOfItsOwn) {
    ClusterProfile profile = small_cluster();
    profile.account = "m1 --uid=0";
    profile.qos = "high";
    profile.constraint = "a100&nvlink";
    profile.requeue = false;
    profile.gpu_request = GpuRequest::kNone;
    profile.submit_options = {"--mail-type=FAIL", "--reservation=my res"};
    JobPlan plan = two_nodes();
    plan.gpus_per_node = 0;
    SubmitWishes wishes;
    wishes.hold = true;
    wishes.after = {7, 8};
    wishes.excluded = {"node3", "node5"};
    const auto options = sbatch_options(plan, profile, place(), wishes);
    EXPECT_EQ(options.at(5), "--no-requeue");
    const std::vector<std::string> rest(options.begin() + 11, options.end());
    EXPECT_EQ(rest, (std::vector<std::string>{
                        "--account=m1 --uid=0", "--qos=high", "--constraint=a100&nvlink",
                        "--dependency=singleton,afterany:7,afterany:8", "--exclude=node3,node5",
                        "--hold", "--mail-type=FAIL", "--reservation=my res"}));
}

TEST(SbatchOptions, GpusWithoutATypeAreACount) {
    JobPlan plan = two_nodes();
    plan.gpu_type = "";
    EXPECT_EQ(sbatch_options(plan, small_cluster(), place(), {}).at(11), "--gpus-per-node=8");
    ClusterProfile gres = small_cluster();
    gres.gpu_request = GpuRequest::kGres;
    EXPECT_EQ(sbatch_options(plan, gres, place(), {}).at(11), "--gres=gpu:8");
}

TEST(SbatchOptions, PercentOfTheRunFolderIsNoPattern) {
    JobPlace odd = place();
    odd.run = "/scratch/100%j/-x y";
    EXPECT_EQ(sbatch_options(two_nodes(), small_cluster(), odd, {}).at(7),
              "--output=/scratch/100%%j/-x y/slurm-%j.out");
}

TEST(SbatchOptions, BackslashOfTheRunFolderIsRefused) {
    JobPlace odd = place();
    odd.run = "/scratch/a\\b";
    EXPECT_EQ(usage_error([&] { sbatch_options(two_nodes(), small_cluster(), odd, {}); }),
              "the run folder '/scratch/a\\b' has a backslash, which sbatch takes for its own; "
              "choose another with --runs or $R1CTL_RUNS");
}

TEST(JobScriptRegression, RequeuedJobsHaveCheckpointsToGoOnFrom) {
    EXPECT_TRUE(ClusterProfile{}.requeue);
    std::size_t recipes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(R1_RECIPES_FOLDER)) {
        if (entry.path().extension() != ".yaml") continue;
        EXPECT_GT(load_recipe(entry.path()).checkpoint.every_steps, 0) << entry.path();
        ++recipes;
    }
    EXPECT_GE(recipes, 5U);
}

TEST(JobScriptRegression, NoPortIsFixed) {
    const std::string script = job_script(two_nodes(), small_cluster(), place());
    for (const char* word : {"_PORT", "port=", "6000", "12345", "29500", "MASTER_ADDR"})
        EXPECT_EQ(script.find(word), std::string::npos) << word;
}

}  // namespace
}  // namespace r1
