// SPDX-License-Identifier: Apache-2.0
// Several runs in flight on one cluster, and at random moments one of the things that clusters do.
// Every run completes, one job at a time, with the bits of the run that nobody touched. The program
// beside this file, chaos, calls it: R1_CHAOS_ROUNDS events from R1_CHAOS_SEED.
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <iostream>
#include <map>
#include <mutex>
#include <random>

#include "common/time.h"
#include "tests/system/processes.h"
#include "tests/system/results.h"
#include "tests/system/slurm/on_cluster.h"
#include "tests/system/small_recipe.h"

namespace r1 {
namespace {

constexpr int kLanes = 3;
constexpr double kRunSeconds = 500;

int from_environment(const char* name, int otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr ? std::stoi(value) : otherwise;
}

class Chaos : public OnCluster {
  protected:
    void SetUp() override {
        OnCluster::SetUp();
        random_.seed(static_cast<unsigned>(from_environment("R1_CHAOS_SEED", 1)));
    }

    int pick(int most) { return static_cast<int>(random_() % static_cast<unsigned>(most)); }
    std::string a_node() { return "node" + std::to_string(1 + pick(4)); }

    void say(const std::string& text) {
        const std::scoped_lock lock(mutex_);
        std::cout << static_cast<int>(monotonic_seconds() - begin_) << " s: " << text << std::endl;
    }

    /// One run after the other until the events are over.
    void lane(int number);
    void one_run(int lane, int count);
    void events();
    void event(const std::string& what);
    void requeue();
    void signal_rank(int signal);
    void preempt();
    void pause_node(const std::string& how);

    std::mt19937 random_;
    std::mutex mutex_;
    std::map<int, std::pair<std::string, std::filesystem::path>> in_flight_;
    std::map<std::string, int> done_;
    std::vector<std::string> results_;
    std::atomic<bool> over_{false};
    double begin_ = monotonic_seconds();
};

std::string chaos_recipe() {
    std::string recipe = with(cluster_recipe(), "ranks: 2\n",
                              "ranks: 2\n  watchdog: 6s\n  attempts_without_progress: 100\n");
    return with(recipe, "steps: 60", "steps: 600");
}

void Chaos::lane(int number) {
    for (int count = 0; !over_; ++count) {
        try {
            one_run(number, count);
        } catch (const std::exception& e) {
            ADD_FAILURE() << e.what();
            say(std::string("FAILED: ") + e.what());
        }
    }
}

void Chaos::one_run(int lane, int count) {
    const std::array<const char*, 3> partitions{"gpu", "low", "low0"};
    // One lane's jobs end at Slurm's shortest time limit.
    const std::string limit = lane == 0 ? "1m" : "20m";
    const SubmittedRun one(chaos_recipe(),
                           {"--partition", partitions[static_cast<std::size_t>((lane + count) % 3)],
                            "--no-check", "--set", "resources.time_limit=" + limit});
    {
        const std::scoped_lock lock(mutex_);
        in_flight_[lane] = {one.id(), one.folder()};
    }
    say(one.id() + " is queued");
    const double began = monotonic_seconds();
    const Transcript waited = one.call({"wait"}, kRunSeconds);
    {
        const std::scoped_lock lock(mutex_);
        in_flight_.erase(lane);
    }
    EXPECT_TRUE(waited.end.ok()) << waited.all();
    one.wait_for(
        "an empty queue", [&] { return queue_of(one.id()).empty(); }, 120);
    one.expect_one_job_at_a_time();
    expect_same_results(untouched(chaos_recipe()), one.run());
    const std::string result = one.id() + ": " + (waited.end.ok() ? "completed" : "NOT COMPLETED") +
                               ", " + std::to_string(one.attempt().number) + " attempts, " +
                               std::to_string(static_cast<int>(monotonic_seconds() - began)) + " s";
    say(result);
    const std::scoped_lock lock(mutex_);
    results_.push_back(result);
}

void Chaos::requeue() {
    const std::scoped_lock lock(mutex_);
    for (const auto& [lane, run] : in_flight_)
        if (pick(2) == 0)
            slurm_or_words(
                {"sh", "-c",
                 "squeue -h -n " + run.first + " -t R -o %i | xargs -r -n1 scontrol requeue"});
}

void Chaos::signal_rank(int signal) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [lane, run] : in_flight_) {
        const auto pids = pids_of(run.second, "r1ctl-rank");
        if (pids.empty()) continue;
        ::kill(pids[static_cast<std::size_t>(pick(static_cast<int>(pids.size())))], signal);
        return;
    }
}

void Chaos::preempt() {
    slurm_or_words({"sbatch", "--partition=high", "--nodes=" + std::to_string(1 + pick(4)),
                    "--exclusive", "--output=/dev/null", "--wrap=sleep 3"});
}

/// For a moment, or for longer than Slurm waits for a node.
void Chaos::pause_node(const std::string& how) {
    const std::string node = a_node();
    cluster->act({how, node});
    ::sleep(static_cast<unsigned>(pick(2) == 0 ? 1 + pick(4) : 22));
    cluster->act({"start-node", node});
}

void Chaos::event(const std::string& what) {
    if (what == "requeue") requeue();
    if (what == "kill a rank") signal_rank(SIGKILL);
    if (what == "stop a rank") signal_rank(SIGSTOP);
    if (what == "preempt") preempt();
    if (what == "kill slurmd, start it") pause_node("stop-node");
    if (what == "fail a node, start it") pause_node("fail-node");
    if (what == "restart the controller") cluster->act({"restart-controller"});
    if (what == "kill the controller, start it") cluster->act({"restart-controller", "--kill"});
}

void Chaos::events() {
    const std::array<const char*, 8> kinds{"requeue",
                                           "kill a rank",
                                           "stop a rank",
                                           "preempt",
                                           "kill slurmd, start it",
                                           "fail a node, start it",
                                           "restart the controller",
                                           "kill the controller, start it"};
    const int rounds = from_environment("R1_CHAOS_ROUNDS", 8);
    ::sleep(8);
    for (int round = 1; round <= rounds; ++round) {
        const std::string what = kinds[static_cast<std::size_t>(pick(8))];
        say("event " + std::to_string(round) + " of " + std::to_string(rounds) + ": " + what);
        ++done_[what];
        event(what);
        ::sleep(static_cast<unsigned>(2 + pick(10)));
    }
    over_ = true;
}

TEST_F(Chaos, EndsEveryRunWithTheBitsOfTheUntouchedOne) {
    untouched(chaos_recipe());
    std::vector<std::pair<std::string, std::function<void()>>> parts{{"events", [this] {
                                                                          events();
                                                                          over_ = true;
                                                                      }}};
    for (int number = 0; number < kLanes; ++number)
        parts.emplace_back("lane " + std::to_string(number), [this, number] { lane(number); });
    at_once(parts);
    std::cout << "\ndone to the cluster:\n";
    for (const auto& [what, times] : done_) std::cout << "  " << times << " x " << what << '\n';
    std::cout << "runs:\n";
    for (const std::string& result : results_) std::cout << "  " << result << '\n';
    std::cout << slurm_or_words({"sinfo", "-N", "-p", "gpu", "-o", "%N %T %E"});
}

}  // namespace
}  // namespace r1
