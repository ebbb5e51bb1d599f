// SPDX-License-Identifier: Apache-2.0
// Runs a real mpirun. /bin/sh plays the rank: mpirun starts any program.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include "common/error.h"
#include "common/file.h"
#include "common/time.h"
#include "slurm/launcher.h"
#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

bool eventually(const std::function<bool()>& holds, double seconds = 20) {
    const double deadline = monotonic_seconds() + seconds;
    while (monotonic_seconds() < deadline) {
        if (holds()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

class LocalLauncher : public testing::Test {
  protected:
    LaunchRequest shell(const std::string& script, std::int64_t ranks) {
        LaunchRequest request;
        request.rank_program = "/bin/sh";
        request.arguments = {"-c", script, "rank", folder_.path().string()};
        request.ranks = ranks;
        request.threads_per_rank = 3;
        request.log = folder_.path() / "log";
        return request;
    }
    std::filesystem::path file(const std::string& name, int rank) const {
        return folder_.path() / (name + std::to_string(rank));
    }
    bool on_both_ranks(const std::string& name) const {
        return std::filesystem::exists(file(name, 0)) && std::filesystem::exists(file(name, 1));
    }
    pid_t pid_of(int rank) const { return std::stoi(read_file(file("up", rank))); }
    /// A zombie has ended: it waits for init only, and has no command line any more.
    bool any_rank_lives() const {
        const auto lives = [](pid_t pid) {
            std::ifstream in("/proc/" + std::to_string(pid) + "/cmdline");
            return in.get() != std::ifstream::traits_type::eof();
        };
        return lives(pid_of(0)) || lives(pid_of(1));
    }

    /// Says it is up, and ends well after writing stopped<rank> on SIGUSR2. Never ends by itself.
    static constexpr const char* kListening =
        "trap 'echo saved > $1/stopped$OMPI_COMM_WORLD_RANK; exit 0' USR2; "
        "echo $$ > $1/new$OMPI_COMM_WORLD_RANK; "
        "mv $1/new$OMPI_COMM_WORLD_RANK $1/up$OMPI_COMM_WORLD_RANK; "
        "while :; do sleep 0.05; done";
    static constexpr const char* kDeaf =
        "trap '' USR2 TERM INT HUP; echo $$ > $1/new$OMPI_COMM_WORLD_RANK; "
        "mv $1/new$OMPI_COMM_WORLD_RANK $1/up$OMPI_COMM_WORLD_RANK; "
        "while :; do sleep 0.05; done";

    TemporaryFolder folder_;
    std::unique_ptr<Launcher> launcher_ = make_local_launcher();
};

TEST_F(LocalLauncher, StartsEveryRankWithItsThreadsAndAppendsToTheLog) {
    std::ofstream(folder_.path() / "log") << "before\n";
    const auto request = shell(
        "echo rank $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE, $OMP_NUM_THREADS threads; "
        "echo to stderr >&2",
        3);
    EXPECT_TRUE(launcher_->launch(request)->wait().ok());
    const std::string log = read_file(request.log);
    EXPECT_TRUE(log.starts_with("before\n")) << log;
    for (const char* line : {"rank 0 of 3, 3 threads\n", "rank 1 of 3, 3 threads\n",
                             "rank 2 of 3, 3 threads\n", "to stderr\n"})
        EXPECT_NE(log.find(line), std::string::npos) << log;
}

TEST_F(LocalLauncher, ExitCodeOfARankIsTheExitCode) {
    EXPECT_EQ(launcher_->launch(shell("exit 5", 2))->wait().shell_code(), 5);
}

TEST_F(LocalLauncher, ArgumentsReachTheRankUnchanged) {
    LaunchRequest request = shell("printf '%s' \"$2\"", 1);
    request.arguments.emplace_back("a b; $(exit 1) 'c'");
    EXPECT_TRUE(launcher_->launch(request)->wait().ok());
    EXPECT_EQ(read_file(request.log), "a b; $(exit 1) 'c'");
}

TEST_F(LocalLauncher, RequestStopReachesEveryRank) {
    const auto launch = launcher_->launch(shell(kListening, 2));
    ASSERT_TRUE(eventually([&] { return on_both_ranks("up"); }));
    EXPECT_FALSE(launch->poll().has_value());
    launch->request_stop();
    EXPECT_TRUE(launch->wait().ok());
    EXPECT_TRUE(on_both_ranks("stopped"));
}

TEST_F(LocalLauncher, KillLeavesNoRankEvenWhenRanksAreDeaf) {
    const auto launch = launcher_->launch(shell(kDeaf, 2));
    ASSERT_TRUE(eventually([&] { return on_both_ranks("up"); }));
    const double start = monotonic_seconds();
    launch->kill();
    EXPECT_LT(monotonic_seconds() - start, 10);
    EXPECT_FALSE(any_rank_lives());
    EXPECT_FALSE(launch->wait().ok());
}

TEST_F(LocalLauncher, DestroyingALaunchLeavesNoRank) {
    auto launch = launcher_->launch(shell(kDeaf, 2));
    ASSERT_TRUE(eventually([&] { return on_both_ranks("up"); }));
    launch.reset();
    EXPECT_FALSE(any_rank_lives());
}

TEST_F(LocalLauncher, NoRankOutlivesAKilledMpirun) {
    const auto launch =
        launcher_->launch(shell("echo $PPID > $1/parent; " + std::string(kDeaf), 2));
    ASSERT_TRUE(eventually([&] { return on_both_ranks("up"); }));
    ASSERT_EQ(::kill(std::stoi(read_file(folder_.path() / "parent")), SIGKILL), 0);
    EXPECT_EQ(launch->wait().signal, SIGKILL);
    EXPECT_FALSE(any_rank_lives());
}

TEST_F(LocalLauncher, RanksOfAKilledLauncherAreAskedToSaveAndStop) {
    const pid_t launcher = ::fork();
    if (launcher == 0) {
        const auto launch = launcher_->launch(shell(kListening, 2));
        ::pause();
        ::_exit(1);
    }
    ASSERT_TRUE(eventually([&] { return on_both_ranks("up"); }));
    ::kill(launcher, SIGKILL);
    ::waitpid(launcher, nullptr, 0);
    EXPECT_TRUE(eventually([&] { return on_both_ranks("stopped"); }));
    EXPECT_TRUE(eventually([&] { return !any_rank_lives(); }));
}

TEST_F(LocalLauncher, MissingRankProgramIsASchedulerError) {
    LaunchRequest request = shell("", 1);
    request.rank_program = "/nowhere/r1ctl-rank";
    try {
        launcher_->launch(request);
        FAIL() << "expected Error";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ExitCode::kScheduler);
        EXPECT_STREQ(e.what(), "cannot start '/nowhere/r1ctl-rank': No such file or directory");
    }
}

TEST_F(LocalLauncher, MissingMpirunSaysWhatToInstall) {
    const std::string path = ::getenv("PATH");
    ::setenv("PATH", folder_.path().c_str(), 1);
    try {
        launcher_->launch(shell("", 1));
        ADD_FAILURE() << "expected Error";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ExitCode::kScheduler);
        EXPECT_STREQ(e.what(),
                     "mpirun is not on PATH; install it (Debian: apt install openmpi-bin) or load "
                     "the cluster's MPI module");
    }
    ::setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace r1
