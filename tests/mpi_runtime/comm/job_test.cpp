// SPDX-License-Identifier: Apache-2.0
// Whole jobs: what the launcher and the user see when a rank fails.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "common/file.h"
#include "common/subprocess.h"
#include "common/time.h"

namespace r1 {
namespace {

struct JobEnd {
    int code = 0;
    double seconds = 0;
    std::string output;
};

JobEnd run_job(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    const std::filesystem::path log = std::filesystem::temp_directory_path() /
                                      ("r1-job-test-" + std::to_string(getpid()) + ".log");
    std::filesystem::remove(log);
    Command command;
    command.arguments = std::move(arguments);
    command.environment = std::move(environment);
    command.environment.push_back("OMPI_ALLOW_RUN_AS_ROOT=1");
    command.environment.push_back("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
    command.output = log;
    const double start = monotonic_seconds();
    Subprocess job(command);
    const int code = job.wait().shell_code();
    const double seconds = monotonic_seconds() - start;
    std::string output = read_file(log);
    std::filesystem::remove(log);
    return {code, seconds, std::move(output)};
}

JobEnd run_ranks(int ranks, const std::string& ending) {
    return run_job({R1_MPIRUN, "--oversubscribe", "--bind-to", "none", "-np", std::to_string(ranks),
                    R1_COMM_RANK, ending});
}

TEST(Job, RanksOfALauncherFormOneMpiGroup) {
    const JobEnd end = run_ranks(3, "end");
    EXPECT_EQ(end.code, 0) << end.output;
    EXPECT_EQ(end.output, "mpi of 3");
}

TEST(Job, AbortOnOneRankEndsAllWithItsExitCode) {
    const JobEnd end = run_ranks(3, "abort");
    EXPECT_EQ(end.code, 5) << end.output;
    EXPECT_LT(end.seconds, 20);
}

TEST(Job, AbortKeepsWhatTheRankHadPrinted) {
    EXPECT_NE(run_ranks(3, "abort").output.find("rank 2 was here"), std::string::npos);
}

TEST(Job, AnExceptionThatLeavesTheCommunicatorEndsTheJobInsteadOfBlocking) {
    const JobEnd end = run_ranks(2, "throw");
    EXPECT_EQ(end.code, 3) << end.output;
    EXPECT_LT(end.seconds, 20);
}

TEST(Job, ProcessesThatMpiDoesNotConnectAreRefused) {
    const JobEnd end = run_job({R1_COMM_RANK, "end"}, {"PMI_SIZE=4"});
    EXPECT_EQ(end.code, 4);
    EXPECT_NE(end.output.find("the launcher started 4 processes"), std::string::npos) << end.output;
}

}  // namespace
}  // namespace r1
