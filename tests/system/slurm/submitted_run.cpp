// SPDX-License-Identifier: Apache-2.0
#include "tests/system/slurm/submitted_run.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <exception>
#include <iostream>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "checkpoint/job.h"
#include "common/file.h"
#include "tests/system/results.h"
#include "tests/system/slurm/cluster.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {

namespace {

constexpr std::size_t kTail = 6000;
constexpr double kSubmitSeconds = 90;

std::string tail(const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) return "";
    const std::string text = read_file(file);
    return "--- " + file.string() + "\n" +
           text.substr(text.size() > kTail ? text.size() - kTail : 0) + "\n";
}

}  // namespace

std::string cluster_recipe() {
    const std::string recipe =
        with(small_recipe(), "ranks: 2", "ranks: 2\n  ranks_per_node: 1\n  time_limit: 20m");
    return with(with(recipe, "steps: 30", "steps: 60"), "steps: 12", "steps: 40");
}

Transcript r1ctl_within(double seconds, const std::filesystem::path& folder,
                        std::vector<std::string> arguments) {
    const std::string verb = arguments.front();
    R1ctl command(folder, std::move(arguments));
    if (!wait_until([&] { return command.ended(); }, seconds)) {
        command.signal(SIGKILL);
        throw std::runtime_error("r1ctl " + verb + " has not ended in time:\n" +
                                 command.wait().all());
    }
    return command.wait();
}

SubmittedRun::SubmittedRun(NotYet, const std::string& recipe) {
    write_recipe(folder(), recipe);
}

SubmittedRun::SubmittedRun(const std::string& recipe, const std::vector<std::string>& options)
    : SubmittedRun(NotYet{}, recipe) {
    const Transcript transcript = r1ctl_within(kSubmitSeconds, folder(), submit_words(options));
    if (!transcript.end.ok()) throw std::runtime_error("r1ctl submit failed\n" + transcript.all());
}

std::vector<std::string> SubmittedRun::submit_words(const std::vector<std::string>& options) const {
    std::vector<std::string> words{"submit", (folder() / "recipe.yaml").string()};
    words.insert(words.end(), options.begin(), options.end());
    return words;
}

SubmittedRun::~SubmittedRun() {
    try {
        const std::string name = id();
        if (testing::Test::HasFailure() || std::uncaught_exceptions() > 0)
            std::cout << story() << std::flush;
        slurm_or_words({"scancel", "--name=" + name});
        slurm_or_words({"scancel", "--signal=KILL", "--full", "--name=" + name});
        for (const Process& process : processes_of(folder())) ::kill(process.pid, SIGKILL);
    } catch (const std::exception& e) {
        std::cout << e.what() << std::endl;
    }
}

RunDirectory SubmittedRun::run() const {
    const auto runs = list_runs(folder() / "runs");
    if (runs.size() != 1) throw std::runtime_error("the folder does not hold one run");
    return runs.front();
}

Transcript SubmittedRun::call(std::vector<std::string> words, double seconds) const {
    words.insert(words.begin() + 1, id());
    return r1ctl_within(seconds, folder(), words);
}

R1ctl SubmittedRun::begin(std::vector<std::string> words) const {
    words.insert(words.begin() + 1, id());
    return R1ctl(folder(), words);
}

std::int64_t SubmittedRun::job() const {
    const auto jobs = read_jobs(run());
    if (jobs.empty() || !jobs.back().job) throw std::runtime_error("no job of it is known");
    return *jobs.back().job;
}

AttemptRecord SubmittedRun::attempt() const {
    std::optional<AttemptRecord> record;
    // The folder of an attempt is there a moment before its record.
    const auto read = [&] { return (record = read_attempt(run(), run().newest_attempt())); };
    wait_for(
        "an attempt", [&] { return read().has_value(); }, 30);
    return *record;
}

pid_t SubmittedRun::rank(int attempt, int rank) const {
    return static_cast<pid_t>(read_ranks(run(), attempt).at(static_cast<std::size_t>(rank)).pid);
}

void SubmittedRun::freeze() const {
    for (const pid_t pid : pids_of(folder(), "r1ctl-rank")) ::kill(pid, SIGSTOP);
}

void SubmittedRun::thaw() const {
    for (const pid_t pid : pids_of(folder(), "r1ctl-rank")) ::kill(pid, SIGCONT);
}

void SubmittedRun::wait_for(const std::string& what, const std::function<bool()>& holds,
                            double seconds) const {
    if (!wait_until(holds, seconds))
        throw std::runtime_error(id() + ": not within " + std::to_string(seconds) + " s: " + what);
}

void SubmittedRun::wait_for_step(std::int64_t step, double seconds) const {
    wait_for(
        "step " + std::to_string(step), [&] { return newest_step(run()) >= step; }, seconds);
    // An event is meant to meet a run that is at work.
    if (newest_step(run()) >= kClusterSteps) throw std::runtime_error(id() + " was too quick");
}

void SubmittedRun::wait_for_ranks(int attempt, double seconds) const {
    wait_for(
        "the ranks of attempt " + std::to_string(attempt),
        [&] { return !read_ranks(run(), attempt).empty(); }, seconds);
}

void SubmittedRun::expect_completed(double seconds) const {
    const Transcript waited = call({"wait"}, seconds);
    EXPECT_TRUE(waited.end.ok()) << waited.all();
    wait_for(
        "an empty queue", [&] { return queue_of(id()).empty(); }, 90);
    expect_one_job_at_a_time();
}

void SubmittedRun::expect_untouched_end(double seconds) const {
    expect_completed(seconds);
    expect_untouched_results();
}

void SubmittedRun::expect_untouched_results() const {
    expect_same_results(untouched(read_file(folder() / "recipe.yaml")), run());
}

void SubmittedRun::expect_one_job_at_a_time() const {
    const std::vector<JobStart> all = ended_allocations(id());
    for (std::size_t i = 1; i < all.size(); ++i)
        EXPECT_LE(all[i - 1].end_s, all[i].start_s)
            << "jobs " << all[i - 1].job << " and " << all[i].job << " of " << id();
}

std::string SubmittedRun::story() const {
    const RunDirectory directory = run();
    std::ostringstream text;
    text << "===== " << directory.root() << '\n'
         << slurm_or_words({"squeue", "-a", "-o", "%i %j %T %r %N %M"})
         << slurm_or_words({"sinfo", "-N", "-p", "gpu", "-o", "%N %T %E"})
         << slurm_or_words({"sacct", "-D", "--name=" + directory.run_id(), "--format",
                            "JobID%14,State%20,ExitCode,Start,End,NodeList"});
    for (const auto& entry : std::filesystem::directory_iterator(directory.root()))
        if (entry.path().filename().string().starts_with("slurm-")) text << tail(entry.path());
    for (int number = 1; number <= directory.newest_attempt(); ++number)
        text << tail(directory.attempt_record(number)) << tail(directory.attempt_log(number));
    return text.str();
}

const RunDirectory& untouched(const std::string& recipe) {
    struct Made {
        std::unique_ptr<OneRun> one;
        std::unique_ptr<RunDirectory> run;
    };
    static std::mutex mutex;
    static std::map<std::string, Made> made;
    const std::scoped_lock lock(mutex);
    Made& entry = made[recipe];
    if (!entry.one) {
        entry.one = std::make_unique<OneRun>(recipe);
        const Transcript transcript = entry.one->start();
        if (!transcript.end.ok()) throw std::runtime_error(transcript.all());
        entry.run = std::make_unique<RunDirectory>(entry.one->run());
    }
    return *entry.run;
}

void at_once(const std::vector<std::pair<std::string, std::function<void()>>>& parts) {
    std::vector<std::thread> threads;
    for (const auto& part : parts)
        threads.emplace_back([&part] {
            SCOPED_TRACE(part.first);
            try {
                part.second();
            } catch (const std::exception& e) {
                ADD_FAILURE() << e.what();
            }
        });
    for (std::thread& thread : threads) thread.join();
}

}  // namespace r1
