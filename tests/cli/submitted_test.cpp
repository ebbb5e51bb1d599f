// SPDX-License-Identifier: Apache-2.0
// The verbs on runs that were submitted: the queue is a fake, the records are written by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/commands/cancel.h"
#include "cli/commands/logs.h"
#include "cli/commands/resume.h"
#include "cli/commands/status.h"
#include "cli/commands/wait.h"
#include "cli/commands/watch.h"
#include "common/json.h"
#include "tests/cli/fake_scheduler.h"

namespace r1::cli {
namespace {

const char* const kId = "tiny-20261121-202601-x7k2qf";
constexpr LookTimes kQuick{0.01, 0.05, 0.05};

class Submitted : public testing::Test, protected SubmittedRuns {
  protected:
    Submitted() { ::setenv("R1CTL_RUNS", runs().c_str(), 1); }

    int status(bool json = false) {
        Context made = context();
        return run_status({{}, runs(), json}, made);
    }
    int wait(const std::string& timeout = "") {
        Context made = context();
        return run_wait({{kId}, runs(), timeout, false, kQuick}, made);
    }
    int cancel(bool now = false, const std::string& grace = "10m") {
        Context made = context();
        return run_cancel({{kId}, runs(), now, false, grace, 0.01, 0.02}, made);
    }
    int resume(std::int64_t nodes = 0) {
        Context made = context();
        ResumeOptions options;
        options.run = kId;
        options.runs = runs();
        options.nodes = nodes;
        return run_resume(options, made);
    }
    int logs(bool follow, bool batch = false) {
        Context made = context();
        return run_logs({kId, runs(), 0, follow, batch, kQuick}, made);
    }
    bool said(const std::string& text) const { return out().find(text) != std::string::npos; }
    bool logged(const std::string& text) const { return err().find(text) != std::string::npos; }
    bool called(const std::string& call) {
        return std::count(queue().calls.begin(), queue().calls.end(), call) > 0;
    }
};

TEST_F(Submitted, StatusSaysWhyARunWaitsAndWhenItStarts) {
    const RunDirectory run = submitted(kId);
    queue().jobs = {job(run, "PENDING")};
    queue().jobs[0].start_s = utc_milliseconds() / 1000 + 7805;
    EXPECT_EQ(status(), 0);
    EXPECT_TRUE(said("queued   12  -")) << out();
    EXPECT_TRUE(said("2 x 8 GPUs")) << out();
    EXPECT_TRUE(said("Priority; starts ")) << out();
    EXPECT_TRUE(said(" (in 2h10m)\nnext: r1ctl watch " + std::string(kId) + "\n")) << out();
}

TEST_F(Submitted, StatusAsksTheQueueOnceForManyRuns) {
    for (int i = 10; i < 30; ++i) {
        const RunDirectory run = submitted("tiny-20261121-2026" + std::to_string(i) + "-x7k2qf");
        queue().jobs.push_back(job(run, "RUNNING", 100 + i));
    }
    EXPECT_EQ(status(), 0);
    EXPECT_EQ(queue().calls, std::vector<std::string>{"queue"});
}

TEST_F(Submitted, StatusOfEndedRunsAsksNobody) {
    const RunDirectory run = submitted(kId);
    end(run, begun(run), Ending::kTimeLimit, GoesOn::kNot);
    EXPECT_EQ(status(), 0);
    EXPECT_TRUE(queue().calls.empty());
    EXPECT_TRUE(said("next: r1ctl resume ")) << out();
}

TEST_F(Submitted, StatusTellsThatARunGoesOnByItself) {
    const RunDirectory run = submitted(kId);
    end(run, begun(run), Ending::kTimeLimit, GoesOn::kRequeued);
    queue().jobs = {job(run, "PENDING")};
    EXPECT_EQ(status(), 0);
    EXPECT_TRUE(said("Priority; attempt 1: time limit; goes on by itself (queued again)\n"))
        << out();
    clear();
    EXPECT_EQ(status(true), 0);
    const Json row = Json::parse(out()).at("runs").at(0);
    EXPECT_EQ(row.at("job"), "12");
    EXPECT_EQ(row.at("ending"), "time limit");
    EXPECT_EQ(row.at("goes_on"), true);
    EXPECT_EQ(row.at("nodes"), 2);
}

TEST_F(Submitted, WaitEndsWithTheRunAndSaysHow) {
    const RunDirectory run = submitted(kId);
    queue().jobs = {job(run, "PENDING")};
    int asked = 0;
    queue().on_call = [&](const std::string&) {
        if (++asked == 2) queue().jobs = {job(run, "RUNNING")};
        if (asked == 3) end(run, begun(run), Ending::kCompleted, GoesOn::kNot);
        if (asked == 3) queue().jobs.clear();
    };
    EXPECT_EQ(wait(), 0);
    EXPECT_TRUE(logged(std::string(kId) + ": waits in the queue (job 12): Priority\n")) << err();
    EXPECT_TRUE(logged(std::string(kId) + ": runs (job 12 on node[1-2])")) << err();
    EXPECT_EQ(out(), std::string(kId) + ": completed\nnext: r1ctl eval " + kId + "\n");
}

TEST_F(Submitted, WaitReturnsOneForOtherEndsAndForATimeout) {
    const RunDirectory run = submitted(kId);
    queue().jobs = {job(run, "PENDING")};
    EXPECT_EQ(wait("1s"), 1);
    EXPECT_TRUE(logged("r1ctl: still not ended after 1s\n")) << err();
    EXPECT_TRUE(said(": has not ended yet\nnext: r1ctl watch ")) << out();
    queue().jobs.clear();
    clear();
    end(run, begun(run), Ending::kRankKilled, GoesOn::kNot);
    EXPECT_EQ(wait(), 1);
    EXPECT_TRUE(said("rank killed\nnext: r1ctl resume ")) << out();
}

TEST_F(Submitted, WatchTellsAttemptsAsTheyBeginAndEnd) {
    const RunDirectory run = submitted(kId);
    queue().jobs = {job(run, "PENDING")};
    int asked = 0;
    queue().on_call = [&](const std::string&) {
        if (++asked == 2) end(run, begun(run), Ending::kPreempted, GoesOn::kRequeued);
        if (asked == 4) {
            end(run, begun(run, 2), Ending::kCompleted, GoesOn::kNot);
            queue().jobs.clear();
        }
    };
    Context made = context();
    EXPECT_EQ(run_watch({kId, runs(), kQuick}, made), 0);
    EXPECT_TRUE(
        logged("attempt 1 on node[1-2], job 12\n"
               "attempt 1: preempted; goes on by itself (queued again)\n"))
        << err();
    EXPECT_TRUE(logged("attempt 2 on node[1-2], job 12\nattempt 2: completed\n")) << err();
    EXPECT_TRUE(said(std::string(kId) + ": completed")) << out();
}

TEST_F(Submitted, CancelWritesItsWishBeforeItCancelsAWaitingJob) {
    const RunDirectory run = submitted(kId);
    queue().jobs = {job(run, "PENDING")};
    bool wished = false;
    queue().on_call = [&](const std::string& call) {
        if (call.starts_with("cancel")) wished = cancel_requested(run);
    };
    EXPECT_EQ(cancel(), 0);
    EXPECT_TRUE(wished);
    EXPECT_TRUE(called("cancel 12"));
    EXPECT_TRUE(logged(": cancelled job 12, which was waiting\n")) << err();
    EXPECT_TRUE(said(": stopped; there is no checkpoint\nnext: r1ctl resume ")) << out();
}

TEST_F(Submitted, CancelOfARunningJobWaitsUntilItHasSaved) {
    const RunDirectory run = submitted(kId);
    begun(run);
    std::filesystem::create_directories(run.checkpoints() / "step-00000005");
    queue().jobs = {job(run, "RUNNING")};
    queue().on_call = [&](const std::string& call) {
        if (call == "signal 12 USR2")
            write_outcome(run, 1, {Outcome::kStopped, 5, utc_milliseconds()});
    };
    EXPECT_EQ(cancel(), 0);
    EXPECT_TRUE(called("signal 12 USR2"));
    EXPECT_FALSE(called("cancel 12"));
    EXPECT_TRUE(said(": stopped; the newest checkpoint is of step 5\n")) << out();
}

TEST_F(Submitted, CancelEndsTheJobWhenTheGraceIsOverOrAtOnceWhenAsked) {
    const RunDirectory run = submitted(kId);
    begun(run);
    queue().jobs = {job(run, "RUNNING")};
    EXPECT_EQ(cancel(false, "1s"), 1);
    EXPECT_TRUE(called("signal 12 USR2"));
    EXPECT_TRUE(called("cancel 12"));
    EXPECT_TRUE(logged(": the grace is over\n")) << err();
    queue().calls.clear();
    queue().jobs = {job(run, "RUNNING")};
    EXPECT_EQ(cancel(true), 0);
    EXPECT_FALSE(called("signal 12 USR2"));
    EXPECT_TRUE(called("cancel 12"));
}

TEST_F(Submitted, CancelOfAnEndedRunSaysSo) {
    const RunDirectory run = submitted(kId);
    end(run, begun(run), Ending::kCompleted, GoesOn::kNot);
    EXPECT_EQ(cancel(), 0);
    EXPECT_EQ(out(), std::string(kId) + ": nothing to stop, it is completed\n");
    EXPECT_FALSE(cancel_requested(run));
}

TEST_F(Submitted, ResumeNamesTheJobThatIsQueuedOrRuns) {
    const RunDirectory run = submitted(kId);
    queue().jobs = {job(run, "PENDING")};
    try {
        resume();
        FAIL() << "expected Error";
    } catch (const Error& e) {
        EXPECT_EQ(e.what(), std::string(kId) + ": job 12 of it waits in the queue\n  see: " +
                                "r1ctl watch " + kId);
    }
    queue().jobs = {job(run, "RUNNING")};
    try {
        resume();
        FAIL() << "expected Error";
    } catch (const Error& e) {
        EXPECT_EQ(e.what(), std::string(kId) +
                                ": job 12 of it runs on node[1-2]\n  see: " + "r1ctl watch " + kId);
    }
}

TEST_F(Submitted, ResumeQueuesAStoppedRunAgainAndWithdrawsTheWish) {
    const RunDirectory run = submitted(kId);
    end(run, begun(run), Ending::kCancelled, GoesOn::kNot);
    request_cancel(run);
    std::ofstream(run.cluster())
        << "clusters:\n  - name: east\n    partitions:\n"
           "      - name: gpu\n        cores_per_node: 8\n        time_limit: 1h\n";
    ::setenv("R1CTL_RANK", "/bin/true", 1);
    EXPECT_EQ(resume(), 0) << err();
    ::unsetenv("R1CTL_RANK");
    EXPECT_FALSE(cancel_requested(run));
    EXPECT_TRUE(called(std::string("submit ") + kId + "/2"));
    EXPECT_EQ(read_job(run, 2)->job, 100);
    EXPECT_TRUE(said("next: r1ctl ")) << out();
}

TEST_F(Submitted, LogsFollowFromOneAttemptToTheNext) {
    const RunDirectory run = submitted(kId);
    queue().jobs = {job(run, "PENDING")};
    int asked = 0;
    queue().on_call = [&](const std::string&) {
        if (++asked == 2) {
            const AttemptRecord first = begun(run);
            std::ofstream(run.attempt_log(1)) << "one\n";
            end(run, first, Ending::kTimeLimit, GoesOn::kRequeued);
        }
        if (asked == 4) {
            const AttemptRecord second = begun(run, 2);
            std::ofstream(run.attempt_log(2)) << "two\n";
            end(run, second, Ending::kCompleted, GoesOn::kNot);
        }
    };
    EXPECT_EQ(logs(true), 0);
    EXPECT_EQ(out(), "==> attempt 1 on node[1-2] <==\none\n==> attempt 2 on node[1-2] <==\ntwo\n");
    EXPECT_TRUE(logged("waits in the queue (job 12): Priority\n")) << err();
}

TEST_F(Submitted, LogsPrintWhatTheJobScriptSaid) {
    const RunDirectory run = submitted(kId);
    EXPECT_THROW(logs(false, true), Error);
    std::ofstream(run.root() / "slurm-12.out") << "module not found\n";
    EXPECT_EQ(logs(false, true), 0);
    EXPECT_EQ(out(), "module not found\n");
}

}  // namespace
}  // namespace r1::cli
