// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/launched.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

namespace r1 {
namespace {

/// The environment of a process, as far as launchers write it.
struct Launched : testing::Test {
    ~Launched() override { say({}); }
    static void say(const std::map<std::string, std::string>& environment) {
        for (const char* name : {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                                 "OMPI_COMM_WORLD_LOCAL_RANK", "PMIX_RANK", "PMI_RANK", "PMI_SIZE",
                                 "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"})
            unsetenv(name);
        for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    }
};

TEST_F(Launched, WithoutALauncherNothingIsKnown) {
    say({});
    EXPECT_EQ(launched_rank(), 0);
    EXPECT_EQ(launched_ranks(), 0);
    EXPECT_EQ(local_rank(), 0);
    EXPECT_FALSE(started_by_slurm());
}

TEST_F(Launched, SrunSaysAll) {
    say({{"SLURM_PROCID", "13"}, {"SLURM_STEP_NUM_TASKS", "16"}, {"SLURM_LOCALID", "5"}});
    EXPECT_EQ(launched_rank(), 13);
    EXPECT_EQ(launched_ranks(), 16);
    EXPECT_EQ(local_rank(), 5);
    EXPECT_TRUE(started_by_slurm());
}

TEST_F(Launched, MpirunInAJobOfSlurmIsTheInnermost) {
    say({{"SLURM_PROCID", "0"},
         {"SLURM_STEP_NUM_TASKS", "1"},
         {"SLURM_LOCALID", "0"},
         {"PMIX_RANK", "3"},
         {"OMPI_COMM_WORLD_RANK", "3"},
         {"OMPI_COMM_WORLD_SIZE", "4"},
         {"OMPI_COMM_WORLD_LOCAL_RANK", "3"}});
    EXPECT_EQ(launched_rank(), 3);
    EXPECT_EQ(launched_ranks(), 4);
    EXPECT_EQ(local_rank(), 3);
    EXPECT_FALSE(started_by_slurm());
}

}  // namespace
}  // namespace r1
