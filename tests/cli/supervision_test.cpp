// SPDX-License-Identifier: Apache-2.0
// The real r1ctl under a real mpirun; fake_rank plays the ranks.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "checkpoint/attempt.h"
#include "common/file.h"
#include "common/host.h"
#include "common/json.h"
#include "common/subprocess.h"
#include "common/time.h"
#include "tests/cli/recipe_text.h"
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

bool lives(std::int64_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/cmdline");
    return in.get() != std::ifstream::traits_type::eof();
}

class Supervision : public testing::Test {
  protected:
    Supervision() { std::ofstream(folder_.path() / "tiny.yaml") << kRecipe; }

    Command r1ctl(std::vector<std::string> arguments, const std::string& behaviour) {
        Command command;
        command.arguments = {R1CTL};
        command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
        command.environment = {"R1CTL_RANK=" FAKE_RANK, "R1_FAKE=" + behaviour,
                               "R1CTL_RUNS=" + (folder_.path() / "runs").string()};
        command.output = folder_.path() / "said";
        return command;
    }
    std::unique_ptr<Subprocess> start(std::vector<std::string> arguments,
                                      const std::string& behaviour) {
        return std::make_unique<Subprocess>(r1ctl(std::move(arguments), behaviour));
    }
    std::unique_ptr<Subprocess> start_run(const std::string& behaviour) {
        return start({"run", (folder_.path() / "tiny.yaml").string()}, behaviour);
    }
    int finish(std::vector<std::string> arguments, const std::string& behaviour) {
        return start(std::move(arguments), behaviour)->wait().shell_code();
    }

    RunDirectory only_run() const {
        const auto runs = list_runs(folder_.path() / "runs");
        return runs.empty() ? RunDirectory("") : runs.front();
    }
    std::vector<RankPlace> ranks(int attempt = 1) const { return read_ranks(only_run(), attempt); }
    bool training() const {
        return ranks().size() == 2 && std::filesystem::exists(only_run().metrics());
    }
    void expect_no_rank_lives() const {
        for (const RankPlace& place : ranks())
            EXPECT_TRUE(eventually([&] { return !lives(place.pid); })) << "rank " << place.rank;
    }
    std::string said() const { return read_file(folder_.path() / "said"); }
    void expect_said(const std::string& text) const {
        EXPECT_NE(said().find(text), std::string::npos) << "wanted: " << text << "\n" << said();
    }

    TemporaryFolder folder_;
};

TEST_F(Supervision, CompletedRunIsReportedWithWhatItReachedAndCost) {
    EXPECT_EQ(start_run("complete")->wait().shell_code(), 0);
    const RunDirectory run = only_run();
    EXPECT_EQ(state_of(run), RunState::kCompleted);
    const std::string id = run.run_id();
    expect_said("run: " + id + "\nstate: completed at step 4 of 4, 400 tokens\n");
    expect_said("held-out prompts  step  pass@1    95% interval  pass@8  prompts\n");
    expect_said("before training      0   0.125  0.095 to 0.155   0.225   64 x 8\n");
    expect_said("after rl             4   0.750  0.720 to 0.780   0.850   64 x 8\n");
    expect_said("newest checkpoint: none\nusage: 1 attempt, ");
    expect_said(" USD\nnext: r1ctl eval " + id + "\n");
    EXPECT_EQ(said().find('\x1b'), std::string::npos);
    EXPECT_TRUE(read_file(run.attempt_log(1)).starts_with("all ranks are up\nusage: 1 attempt, "));
    const auto summary = read_record(run.summary(), 1);
    EXPECT_EQ(summary->at("state"), "completed");
    EXPECT_EQ(summary->at("evaluations").size(), 2U);
    EXPECT_EQ(summary->at("tokens"), 400);
    const auto attempt = read_attempt(run, 1);
    EXPECT_EQ(attempt->exit_code, 0);
    EXPECT_GE(attempt->end_ms.value(), attempt->start_ms);
    EXPECT_EQ(finish({"resume", id}, "complete"), 0);
    expect_said(id + " is completed; there is nothing to resume\n");
}

TEST_F(Supervision, FirstInterruptSavesAndStops) {
    const auto run = start_run("wait");
    ASSERT_TRUE(eventually([&] { return training(); }));
    run->signal(SIGINT);
    EXPECT_EQ(run->wait().shell_code(), 0);
    EXPECT_EQ(state_of(only_run()), RunState::kStopped);
    const auto outcome = read_outcome(only_run(), 1);
    expect_said("stopping: the ranks save at the next step boundary; again to stop at once");
    expect_said("stopped after saving step " + std::to_string(outcome->step) +
                "; go on with: r1ctl resume " + only_run().run_id() + "\n");
    expect_no_rank_lives();
}

TEST_F(Supervision, InterruptBeforeTheRanksAreUpIsKeptUntilTheyAre) {
    const auto run = start_run("wait");
    ASSERT_TRUE(eventually([&] { return only_run().newest_attempt() == 1; }));
    run->signal(SIGTERM);
    EXPECT_EQ(run->wait().shell_code(), 0);
    EXPECT_EQ(state_of(only_run()), RunState::kStopped);
}

TEST_F(Supervision, SecondInterruptEndsRanksThatDoNotListen) {
    const auto run = start_run("deaf");
    ASSERT_TRUE(eventually([&] { return training(); }));
    run->signal(SIGINT);
    ASSERT_TRUE(eventually([&] { return said().find("stopping:") != std::string::npos; }));
    EXPECT_FALSE(run->poll().has_value());
    run->signal(SIGINT);
    EXPECT_EQ(run->wait().shell_code(), 1);
    EXPECT_EQ(state_of(only_run()), RunState::kInterrupted);
    expect_said("r1ctl: stopped at once, as asked\n  at:   step ");
    expect_said("; there is no checkpoint yet\n  next: r1ctl resume " + only_run().run_id());
    expect_no_rank_lives();
}

TEST_F(Supervision, RanksOfAKilledLauncherSaveAndTheRunGoesOn) {
    const auto run = start_run("wait");
    ASSERT_TRUE(eventually([&] { return training(); }));
    run->signal(SIGKILL);
    EXPECT_EQ(run->wait().signal, SIGKILL);
    EXPECT_TRUE(eventually([&] { return read_outcome(only_run(), 1).has_value(); }));
    expect_no_rank_lives();
    EXPECT_EQ(state_of(only_run()), RunState::kStopped);
    EXPECT_EQ(finish({"resume", only_run().run_id()}, "complete"), 0);
    EXPECT_EQ(only_run().newest_attempt(), 2);
    EXPECT_EQ(state_of(only_run()), RunState::kCompleted);
    expect_said("usage: 2 attempts, ");
}

TEST_F(Supervision, FailedRankIsNamedOnceWithItsReason) {
    EXPECT_EQ(start_run("crash")->wait().shell_code(), 4);
    const RunDirectory run = only_run();
    EXPECT_EQ(state_of(run), RunState::kFailed);
    expect_said("r1ctl: rank 1 on node7 failed: HDF5: no space left on device\n  log:  " +
                run.attempt_log(1).string() + "\n  at:   step ");
    expect_said("\n  next: r1ctl resume " + run.run_id() + "\n");
    expect_no_rank_lives();
    EXPECT_EQ(finish({"logs", run.run_id()}, "complete"), 0);
    expect_said("about to fail\n");
}

TEST_F(Supervision, KilledRankIsNamedWithItsSignal) {
    EXPECT_EQ(start_run("die")->wait().shell_code(), 1);
    EXPECT_EQ(state_of(only_run()), RunState::kInterrupted);
    expect_said("r1ctl: rank 1 on ");
    expect_said(" was killed by signal 9 (Killed); `dmesg` says whether");
    expect_no_rank_lives();
}

TEST_F(Supervision, RunningRunIsNotResumedAndItsLogIsFollowedToTheEnd) {
    const auto run = start_run("wait");
    ASSERT_TRUE(eventually([&] { return training(); }));
    const std::string id = only_run().run_id();
    EXPECT_EQ(finish({"resume", id}, "complete"), 1);
    expect_said("r1ctl: " + id + " is running on " + host_name() + " (pid " +
                std::to_string(run->pid()) + ")\n  see: r1ctl logs -f " + id + "\n");
    const auto logs = start({"logs", "-f", id}, "complete");
    ASSERT_TRUE(eventually([&] { return said().find("all ranks are up") != std::string::npos; }));
    EXPECT_FALSE(logs->poll().has_value());
    run->signal(SIGTERM);
    EXPECT_TRUE(run->wait().ok());
    EXPECT_TRUE(logs->wait().ok());
}

TEST_F(Supervision, CancelOfALocalRunSavesAndStops) {
    const auto run = start_run("wait");
    ASSERT_TRUE(eventually([&] { return training(); }));
    const std::string id = only_run().run_id();
    EXPECT_EQ(finish({"cancel", id}, "complete"), 0);
    EXPECT_EQ(run->wait().shell_code(), 0);
    EXPECT_EQ(state_of(only_run()), RunState::kStopped);
    expect_said(id + ": waiting until it has saved; r1ctl cancel --now does not\n");
    expect_said(id + ": stopped; there is no checkpoint\nnext: r1ctl resume " + id + "\n");
    EXPECT_EQ(finish({"cancel", id}, "complete"), 0);
    expect_said(id + ": nothing to stop, it is stopped at step ");
}

TEST_F(Supervision, CancelNowEndsRanksThatDoNotListen) {
    const auto run = start_run("deaf");
    ASSERT_TRUE(eventually([&] { return training(); }));
    EXPECT_EQ(finish({"cancel", "--now", only_run().run_id()}, "complete"), 0);
    EXPECT_EQ(run->wait().shell_code(), 1);
    EXPECT_EQ(state_of(only_run()), RunState::kInterrupted);
    expect_no_rank_lives();
}

TEST_F(Supervision, WaitAndWatchEndWithTheRunAndSayHow) {
    const auto run = start_run("wait");
    ASSERT_TRUE(eventually([&] { return training(); }));
    const std::string id = only_run().run_id();
    const auto waits = start({"wait", id}, "complete");
    ASSERT_TRUE(eventually([&] { return said().find(id + ": runs\n") != std::string::npos; }));
    const auto left = start({"watch", id}, "complete");
    ASSERT_TRUE(eventually([&] { return said().find("\nruns\n") != std::string::npos; }));
    const auto watches = start({"watch", id}, "complete");
    left->signal(SIGINT);
    EXPECT_EQ(left->wait().shell_code(), 0);
    expect_said("the run goes on\nnext: r1ctl logs -f " + id + "\n");
    EXPECT_FALSE(waits->poll().has_value());
    run->signal(SIGTERM);
    EXPECT_TRUE(run->wait().ok());
    EXPECT_EQ(waits->wait().shell_code(), 1);
    EXPECT_EQ(watches->wait().shell_code(), 1);
    expect_said(id + ": stopped at step ");
}

TEST_F(Supervision, EvalAndSampleAnswerOrShowTheLog) {
    EXPECT_EQ(start_run("complete")->wait().shell_code(), 0);
    const std::string id = only_run().run_id();
    EXPECT_EQ(finish({"eval", id}, "complete"), 0);
    expect_said(
        "step 4: pass@1 0.750 (95% interval 0.720 to 0.780), pass@8 0.900, 64 prompts x "
        "8 samples, 2 truncated, 0 verifier errors\n");
    EXPECT_EQ(finish({"sample", id, "12+34="}, "complete"), 0);
    expect_said("46\n\\x1B[2J\n");
    EXPECT_EQ(finish({"eval", id}, "crash"), 5);
    expect_said("r1ctl: the ranks ended with exit code 5; their log:\n    ");
    expect_said("\n    no checkpoint verifies\n");
}

}  // namespace
}  // namespace r1
