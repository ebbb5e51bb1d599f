// SPDX-License-Identifier: Apache-2.0
// Stages with resources of their own are jobs of their own, one behind the other.
#include <signal.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "checkpoint/job.h"
#include "common/json.h"
#include "tests/system/processes.h"
#include "tests/system/results.h"
#include "tests/system/slurm/on_cluster.h"
#include "tests/system/small_recipe.h"

namespace r1 {
namespace {

class Stages : public OnCluster {};

std::string two_jobs(const std::string& resources) {
    return with(cluster_recipe(), "    kind: grpo\n",
                "    kind: grpo\n    resources:\n" + resources);
}

/// One rank for the second stage: there is no such run without Slurm to compare it with.
void other_number_of_ranks() {
    const SubmittedRun one(two_jobs("      ranks: 1\n"));
    const auto jobs = read_jobs(one.run());
    ASSERT_EQ(jobs.size(), 2u);
    EXPECT_EQ(jobs[1].nodes, 1);
    one.expect_completed();
    EXPECT_EQ(read_attempt(one.run(), 1)->ending, Ending::kNextJob);
    EXPECT_EQ(one.attempt().number, 2);
    EXPECT_EQ(one.attempt().ranks, 1);
    EXPECT_EQ(one.attempt().start_step, kClusterSftSteps);
}

void requeued_in_the_first() {
    const SubmittedRun one(two_jobs("      time_limit: 15m\n"));
    one.wait_for_step(20);
    slurm({"scontrol", "requeue", std::to_string(one.attempt().slurm->job)});
    one.expect_untouched_end();
    EXPECT_EQ(one.attempt().number, 3);
}

/// The follow-up job that leaves the node out is queued behind the second stage's job.
void rank_killed_in_the_first() {
    const SubmittedRun one(two_jobs("      time_limit: 15m\n"));
    one.wait_for_step(20);
    ::kill(one.rank(1, 0), SIGKILL);
    one.expect_untouched_end();
    EXPECT_EQ(read_attempt(one.run(), 1)->goes_on, GoesOn::kFollowUp);
}

TEST_F(Stages, WithOtherResourcesAreJobsOfTheirOwn) {
    untouched(two_jobs("      time_limit: 15m\n"));
    at_once({{"other ranks", other_number_of_ranks},
             {"requeued", requeued_in_the_first},
             {"killed", rank_killed_in_the_first}});
}

/// Kills the ranks of a run as soon as they appear.
class Killer {
  public:
    explicit Killer(const SubmittedRun& one)
        : thread_([this, &one] {
              while (!enough_) {
                  for (const pid_t pid : pids_of(one.folder(), "r1ctl-rank")) ::kill(pid, SIGKILL);
                  std::this_thread::sleep_for(std::chrono::milliseconds(100));
              }
          }) {}
    Killer(const Killer&) = delete;
    Killer& operator=(const Killer&) = delete;
    ~Killer() {
        enough_ = true;
        thread_.join();
    }

  private:
    std::atomic<bool> enough_{false};
    std::thread thread_;
};

void expect_given_up(const SubmittedRun& one, int attempts, const std::string& key) {
    const Transcript waited = one.call({"wait"}, 150);
    EXPECT_EQ(waited.end.exit_code, 1) << waited.all();
    EXPECT_NE(waited.out.find("failed"), std::string::npos) << waited.all();
    one.wait_for(
        "an empty queue", [&] { return queue_of(one.id()).empty(); }, 60);
    EXPECT_EQ(one.attempt().number, attempts);
    const Transcript batch = one.call({"logs", "--batch"});
    EXPECT_NE(batch.out.find("the run is given up"), std::string::npos) << batch.all();
    EXPECT_NE(batch.out.find(key), std::string::npos) << batch.all();
    const Transcript status = one.call({"status", "--json"});
    EXPECT_EQ(Json::parse(status.out).at("runs").at(0).at("state"), "failed") << status.out;
    one.expect_one_job_at_a_time();
}

std::string limited(const std::string& line) {
    return with(two_jobs("      time_limit: 15m\n"), "ranks_per_node: 1\n",
                "ranks_per_node: 1\n  " + line + "\n");
}

TEST_F(Stages, OfARunThatAlwaysFailsAreGivenUp) {
    const auto dies = [](const std::string& line, int attempts, const std::string& key) {
        const SubmittedRun one(limited(line));
        const Killer killer(one);
        expect_given_up(one, attempts, key);
    };
    at_once({{"max_attempts", [&] { dies("max_attempts: 3", 3, "resources.max_attempts"); }},
             {"no progress", [&] {
                  dies("attempts_without_progress: 2", 2, "resources.attempts_without_progress");
              }}});
}

}  // namespace
}  // namespace r1
