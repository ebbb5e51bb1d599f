// SPDX-License-Identifier: Apache-2.0
// What a user types, and what the cluster then has.
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "checkpoint/job.h"
#include "common/file.h"
#include "common/json.h"
#include "tests/system/processes.h"
#include "tests/system/results.h"
#include "tests/system/slurm/on_cluster.h"
#include "tests/system/small_recipe.h"

namespace r1 {
namespace {

class Commands : public OnCluster {};

constexpr const char* kSecret = "r1-a-secret-of-the-submitting-shell";

void expect_in(const std::string& part, const std::string& text) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
}

std::string submitted_script(const SubmittedRun& one) {
    const auto file = one.folder() / "script";
    slurm({"scontrol", "write", "batch_script", std::to_string(one.job()), file.string()});
    return read_file(file);
}

void expect_no_secret(const SubmittedRun& one) {
    for (const int rank : {0, 1}) {
        const std::string place = "/proc/" + std::to_string(one.rank(1, rank)) + "/environ";
        std::ifstream in(place);
        const std::string text((std::istreambuf_iterator<char>(in)), {});
        EXPECT_FALSE(text.empty());
        EXPECT_EQ(text.find(kSecret), std::string::npos);
    }
    EXPECT_EQ(read_file(one.run().job_script(1)).find(kSecret), std::string::npos);
}

void expect_billed_as_by_slurm(const SubmittedRun& one) {
    const std::vector<JobStart> all = ended_allocations(one.id());
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(one.attempt().gpus, 2);
    expect_in("gres/gpu=2", all[0].tres);
    const Json status = Json::parse(one.call({"status", "--json"}).out);
    const Json& row = status.at("runs").at(0);
    EXPECT_EQ(row.at("state"), "completed");
    const double own_s = row.at("usage").at("gpu_ms").get<double>() / 1000;
    EXPECT_NEAR(own_s, static_cast<double>(2 * all[0].elapsed_s), 2 * 2.0);
}

void untouched_on_the_cluster() {
    const SubmittedRun one;
    one.wait_for_ranks(1);
    const std::string script = submitted_script(one);
    EXPECT_EQ(script, read_file(one.run().job_script(1)));
    struct stat status {};
    ASSERT_EQ(::stat(one.run().job_script(1).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    expect_no_secret(one);
    const std::string job = slurm({"scontrol", "show", "job", std::to_string(one.job())});
    expect_in("JobName=" + one.id() + "\n", job);
    expect_in("Comment=" + one.id() + "/1 ", job);
    one.expect_untouched_end();
    EXPECT_EQ(one.attempt().number, 1);
    const AttemptRecord attempt = one.attempt();
    for (const std::string& node : attempt.slurm->nodes) {
        const Json record = Json::parse(read_file(one.run().attempt_node(1, node)));
        EXPECT_EQ(record.at("node"), node);
        EXPECT_EQ(record.at("slurm_gpus_on_node"), "1");
    }
    expect_billed_as_by_slurm(one);
    const Transcript again = one.call({"resume"});
    EXPECT_TRUE(again.end.ok());
    expect_in("nothing to resume", again.out);
    EXPECT_EQ(queue_of(one.id()), std::vector<std::string>{});
}

/// With another's id in the place of its own.
std::string renamed(std::string script, const std::string& id, const std::string& to) {
    for (std::size_t at = 0; (at = script.find(id, at)) != std::string::npos; at += to.size())
        script.replace(at, id.size(), to);
    return script;
}

void one_after_the_other() {
    const SubmittedRun first;
    const SubmittedRun held(cluster_recipe(), {"--hold", "--after", first.run().root().string()});
    const Transcript dry = r1ctl_within(60, held.folder(), held.submit_words({"--dry-run"}));
    ASSERT_TRUE(dry.end.ok()) << dry.all();
    const std::size_t named = dry.out.find("of run ") + 7;
    const std::string id = dry.out.substr(named, dry.out.find(',', named) - named);
    EXPECT_EQ(renamed(dry.out, id, held.id()), submitted_script(held));
    first.expect_completed();
    const auto waiting = queue_of(held.id());
    ASSERT_EQ(waiting.size(), 1u);
    expect_in("PENDING JobHeldUser", waiting[0]);
    slurm({"scontrol", "release", std::to_string(held.job())});
    held.expect_untouched_end();
    EXPECT_LE(ended_allocations(first.id()).back().end_s,
              ended_allocations(held.id()).front().start_s);
}

std::string state_of_row(const SubmittedRun& one) {
    return Json::parse(one.call({"status", "--json"}).out).at("runs").at(0).at("state");
}

void expect_nothing_goes_on(const SubmittedRun& one, const std::string& state) {
    one.wait_for(
        "an empty queue", [&] { return queue_of(one.id()).empty(); }, 60);
    EXPECT_EQ(state_of_row(one), state);
    EXPECT_EQ(one.call({"wait"}).end.exit_code, 1);
}

void resume(const SubmittedRun& one, const std::vector<std::string>& options = {}) {
    std::vector<std::string> words{"resume"};
    words.insert(words.end(), options.begin(), options.end());
    const Transcript resumed = one.call(words);
    ASSERT_TRUE(resumed.end.ok()) << resumed.all();
}

void cancelled() {
    const SubmittedRun one;
    one.wait_for_step(22);
    const Transcript cancel = one.call({"cancel"});
    EXPECT_TRUE(cancel.end.ok()) << cancel.all();
    // It saved where it stopped, not where it would have saved anyway.
    EXPECT_EQ(list_checkpoints(one.run().checkpoints()).back(), newest_step(one.run()));
    expect_nothing_goes_on(one, "stopped");
    EXPECT_EQ(one.attempt().ending, Ending::kCancelled);
    resume(one);
    one.expect_untouched_end();
}

void cancelled_at_once() {
    const SubmittedRun one;
    one.wait_for_step(22);
    const Transcript cancel = one.call({"cancel", "--now"});
    EXPECT_TRUE(cancel.end.ok()) << cancel.all();
    one.wait_for(
        "an empty queue", [&] { return queue_of(one.id()).empty(); }, 60);
    resume(one, {"--nodes", "1"});
    one.expect_completed();
    EXPECT_EQ(one.attempt().ranks, 1);
}

void cancelled_while_it_waits() {
    const SubmittedRun one(cluster_recipe(), {"--hold"});
    EXPECT_EQ(state_of_row(one), "queued");
    EXPECT_EQ(one.call({"wait", "--timeout", "1s"}).end.exit_code, 1);
    const Transcript cancel = one.call({"cancel"});
    EXPECT_TRUE(cancel.end.ok()) << cancel.all();
    EXPECT_EQ(queue_of(one.id()), std::vector<std::string>{});
    EXPECT_EQ(one.run().newest_attempt(), 0);
    resume(one);
    one.expect_untouched_end();
}

TEST_F(Commands, DoWhatTheySay) {
    ::setenv("R1_TEST_SECRET", kSecret, 1);
    untouched(cluster_recipe());
    at_once({{"untouched", untouched_on_the_cluster},
             {"after and held", one_after_the_other},
             {"cancelled", cancelled},
             {"cancelled at once", cancelled_at_once},
             {"cancelled while it waits", cancelled_while_it_waits}});
}

/// A script called sbatch, first on PATH for as long as this lives.
class OwnSbatch {
  public:
    explicit OwnSbatch(const std::string& after_the_real_one) : path_(std::getenv("PATH")) {
        const auto file = folder_ / "sbatch";
        write_file_durably(file,
                           "#!/bin/sh\ncase \" $* \" in *\" --test-only \"*) exec /usr/bin/sbatch "
                           "\"$@\" ;; esac\n/usr/bin/sbatch \"$@\" >/dev/null 2>&1\n" +
                               after_the_real_one,
                           0700);
        ::setenv("PATH", (folder_.path().string() + ":" + path_).c_str(), 1);
    }
    OwnSbatch(const OwnSbatch&) = delete;
    OwnSbatch& operator=(const OwnSbatch&) = delete;
    ~OwnSbatch() { ::setenv("PATH", path_.c_str(), 1); }

  private:
    TemporaryFolder folder_;
    std::string path_;
};

TEST_F(Commands, ASubmissionThatTimedOutAfterItWasTakenIsOneJob) {
    std::unique_ptr<SubmittedRun> one;
    {
        const OwnSbatch silent(
            "echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv "
            "operation' >&2\nexit 1\n");
        one = std::make_unique<SubmittedRun>();
    }
    one->expect_untouched_end();
    EXPECT_EQ(ended_allocations(one->id()).size(), 1u);
    EXPECT_EQ(read_jobs(one->run()).size(), 1u);
}

TEST_F(Commands, ASubmissionThatWasKilledIsFoundAndNotRepeated) {
    const SubmittedRun one(SubmittedRun::NotYet{}, cluster_recipe());
    {
        const OwnSbatch slow("sleep 30\n");
        R1ctl submit(one.folder(), one.submit_words());
        one.wait_for(
            "the job", [&] { return std::system("squeue -h | grep -q .") == 0; }, 30);
        submit.signal(SIGKILL);
        submit.wait();
    }
    EXPECT_FALSE(read_jobs(one.run()).at(0).job);
    const std::string state = state_of_row(one);
    EXPECT_TRUE(state == "queued" || state == "running") << state;
    const Transcript resumed = one.call({"resume"});
    EXPECT_FALSE(resumed.end.ok()) << resumed.all();
    one.expect_untouched_end();
    EXPECT_EQ(ended_allocations(one.id()).size(), 1u);
}

}  // namespace
}  // namespace r1
