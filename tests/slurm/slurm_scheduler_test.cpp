// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>

#include "common/error.h"
#include "common/time.h"
#include "slurm/scheduler.h"
#include "tests/common/message_of.h"
#include "tests/slurm/fake_slurm.h"
#include "tests/slurm/slurm_rows.h"

namespace r1 {

namespace {

std::unique_ptr<Scheduler> scheduler() {
    return make_slurm_scheduler({.limit = std::chrono::seconds{30}});
}

std::unique_ptr<Scheduler> impatient() {
    return make_slurm_scheduler({.limit = std::chrono::seconds{1}});
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A variable of the caller for as long as a test runs.
class Variable {
  public:
    Variable(std::string name, const char* value) : name_(std::move(name)) {
        ::setenv(name_.c_str(), value, 1);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() { ::unsetenv(name_.c_str()); }

  private:
    std::string name_;
};

}  // namespace

TEST(SlurmQueue, OneCallAsksForEverythingOfThisUser) {
    FakeSlurm slurm;
    std::string rows;
    for (int i = 1; i <= 1000; ++i) rows += QueueRow{.id = std::to_string(i)}.text();
    slurm.out("squeue", rows);
    EXPECT_EQ(scheduler()->queue().size(), 1000U);
    EXPECT_EQ(slurm.calls("squeue"), 1U);
    const std::vector<std::string> arguments = slurm.argument_list("squeue.1");
    ASSERT_EQ(arguments.size(), 4U);
    EXPECT_EQ(arguments[0], "--noheader");
    EXPECT_EQ(arguments[1], "--user=" + std::to_string(::geteuid()));
    EXPECT_EQ(arguments[2], "--states=all");
    EXPECT_TRUE(arguments[3].starts_with("--Format=JobArrayID:\x1f,State:\x1f,")) << arguments[3];
    EXPECT_TRUE(arguments[3].ends_with(",Name:\x1f,Comment:\x1e")) << arguments[3];
}

TEST(SlurmQueue, CallersVariablesChangeNothing) {
    const Variable format("SQUEUE_FORMAT", "%i");
    const Variable states("SQUEUE_STATES", "PD");
    const Variable time("SLURM_TIME_FORMAT", "relative");
    const Variable clusters("SLURM_CLUSTERS", "east");
    const Variable sacct("SACCT_FORMAT", "jobid");
    const Variable qos("SBATCH_QOS", "high");
    const Variable job("SLURM_JOB_ID", "7");
    const Variable conf("SLURM_CONF", "/x/slurm.conf");
    const Variable token("SLURM_JWT", "secret");
    FakeSlurm slurm;
    scheduler()->queue();
    scheduler()->history({1}, 1000);
    slurm.out("sbatch", "12\n");
    scheduler()->submit({{}, "/x/job.sbatch", "run1", "c1"});
    for (const char* call : {"squeue.1", "sacct.1", "sbatch.1"}) {
        std::map<std::string, std::string> variables = slurm.environment(call);
        for (const char* name : {"SQUEUE_FORMAT", "SQUEUE_STATES", "SLURM_CLUSTERS", "SACCT_FORMAT",
                                 "SBATCH_QOS", "SLURM_JOB_ID"})
            EXPECT_EQ(variables.count(name), 0U) << call << " " << name;
        EXPECT_EQ(variables["SLURM_CONF"], "/x/slurm.conf") << call;
        EXPECT_EQ(variables["SLURM_JWT"], "secret") << call;
        EXPECT_EQ(variables["LC_ALL"], "C") << call;
        EXPECT_FALSE(variables["PATH"].empty());
    }
    EXPECT_EQ(slurm.environment("squeue.1")["SLURM_TIME_FORMAT"], "%s");
    EXPECT_EQ(slurm.environment("sacct.1")["SLURM_TIME_FORMAT"], "%s");
    EXPECT_EQ(slurm.environment("sacct.1")["TZ"], "UTC0");
    // A begin time in the options, and what the job inherits, are in the caller's zone.
    EXPECT_EQ(slurm.environment("sbatch.1").count("SLURM_TIME_FORMAT"), 0U);
    EXPECT_NE(slurm.environment("sbatch.1")["TZ"], "UTC0");
}

TEST(SlurmQueue, ForeignVariablesAreNamed) {
    const std::vector<std::string> before = foreign_slurm_variables();
    const Variable conf("SLURM_CONF", "/x/slurm.conf");
    const Variable format("SQUEUE_FORMAT", "%i");
    const Variable time("SLURM_TIME_FORMAT", "relative");
    const Variable qos("SBATCH_QOS", "high");
    const Variable job("SLURM_JOB_ID", "7");
    std::vector<std::string> expected = before;
    expected.insert(expected.end(), {"SBATCH_QOS", "SLURM_JOB_ID"});
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(foreign_slurm_variables(), expected);
}

TEST(SlurmQueue, FailureIsToldInSlurmsWords) {
    FakeSlurm slurm;
    slurm.err(
        "squeue",
        "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\x1b[0m\n");
    try {
        scheduler()->queue();
        FAIL() << "expected Error";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ExitCode::kScheduler);
        EXPECT_STREQ(e.what(),
                     "squeue failed (exit code 1): slurm_load_jobs error: Unable to contact "
                     "slurm controller (connect failure)\\x1B[0m");
    }
}

TEST(SlurmQueue, HangingCommandIsGivenUp) {
    FakeSlurm slurm;
    slurm.hangs("squeue");
    const double begin = monotonic_seconds();
    EXPECT_EQ(
        message_of([] { impatient()->queue(); }),
        "squeue did not answer within 1 s; see with 'scontrol ping' whether the controller is "
        "up, then try again");
    EXPECT_LT(monotonic_seconds() - begin, 15.0);
}

TEST(SlurmQueue, MissingCommandIsNamed) {
    const FakeSlurm slurm;
    const Variable path("R1_UNUSED", "");
    ::setenv("PATH", slurm.folder().c_str(), 1);
    for (const auto& call : std::map<std::string, std::function<void()>>{
             {"squeue", [] { scheduler()->queue(); }},
             {"sacct", [] { scheduler()->history({1}, 1000); }},
             {"scancel",
              [] {
                  scheduler()->cancel({1, ""});
              }},
             {"scontrol",
              [] {
                  scheduler()->requeue({1, ""});
              }},
             {"sbatch", [] {
                  scheduler()->submit({{}, "/x/job", "run1", "c1"});
              }}}) {
        EXPECT_EQ(message_of(call.second),
                  "cannot start '" + call.first +
                      "': No such file or directory; are Slurm's commands on PATH? Load the site's "
                      "module for Slurm, or call this on a login node of the cluster");
    }
}

TEST(SlurmHistory, OneCallWithEveryIdAndAWindow) {
    FakeSlurm slurm;
    std::vector<std::int64_t> ids;
    for (int i = 1000; i > 0; --i) ids.insert(ids.end(), {i, i});
    slurm.out("sacct", HistoryRow{.id = "3"}.text());
    EXPECT_EQ(scheduler()->history(ids, 1795305453)->size(), 1U);
    EXPECT_EQ(slurm.calls("sacct"), 1U);
    const std::vector<std::string> arguments = slurm.argument_list("sacct.1");
    const auto has = [&](const std::string& wanted) {
        return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
    };
    EXPECT_TRUE(has("--duplicates"));
    EXPECT_TRUE(has("--allocations"));
    EXPECT_TRUE(has("--starttime=2026-11-21T23:56:33"));
    EXPECT_TRUE(has("--endtime=now+1days"));
    EXPECT_TRUE(arguments.back().starts_with("--jobs=1,2,3,")) << arguments.back();
    EXPECT_TRUE(arguments.back().ends_with(",999,1000")) << arguments.back();
}

TEST(SlurmHistory, NoJobsIsNoCall) {
    const FakeSlurm slurm;
    EXPECT_TRUE(scheduler()->history({}, 1000)->empty());
    EXPECT_EQ(slurm.calls("sacct"), 0U);
}

TEST(SlurmHistory, AccountingThatKnowsNothingYetIsEmpty) {
    const FakeSlurm slurm;
    EXPECT_TRUE(scheduler()->history({1}, 1000)->empty());
}

TEST(SlurmHistory, NoAccountingIsNotNothing) {
    FakeSlurm slurm;
    slurm.err("sacct", "Slurm accounting storage is disabled\n");
    EXPECT_EQ(scheduler()->history({1}, 1000), std::nullopt);
    slurm.err("sacct", "sacct: error: Problem talking to the database: Connection refused\n");
    EXPECT_EQ(scheduler()->history({1}, 1000), std::nullopt);
    slurm.hangs("sacct.3");
    EXPECT_EQ(impatient()->history({1}, 1000), std::nullopt);
    slurm.err("sacct.4", "sacct: error: Too wide of a date range in query\n");
    EXPECT_EQ(message_of([] { scheduler()->history({1}, 1000); }),
              "sacct failed (exit code 1): Too wide of a date range in query");
}

TEST(SlurmHistory, RecordsOfAnEarlierJobWithThisIdAreLeftOut) {
    FakeSlurm slurm;
    slurm.out("sacct", HistoryRow{.id = "9", .submit = "1000", .name = "other"}.text() +
                           HistoryRow{.id = "9", .submit = "4990"}.text());
    const auto records = scheduler()->history({9}, 5000);
    ASSERT_EQ(records->size(), 1U);
    EXPECT_EQ(records->at(0).name, "run1");
    EXPECT_EQ(records->at(0).id, (JobId{9, ""}));
}

TEST(SlurmHistory, ClustersAreAskedByName) {
    FakeSlurm slurm;
    slurm.out("squeue", "CLUSTER: east\n" + QueueRow{.id = "9"}.text());
    slurm.out("sacct", HistoryRow{.id = "9", .cluster = "east"}.text());
    const auto both =
        make_slurm_scheduler({.limit = std::chrono::seconds{30}, .clusters = "east,west"});
    EXPECT_EQ(both->queue().at(0).id, (JobId{9, "east"}));
    EXPECT_EQ(both->history({9}, 1000)->at(0).id, (JobId{9, "east"}));
    EXPECT_TRUE(contains(slurm.arguments("squeue.1"), "--clusters=east,west"));
    EXPECT_TRUE(contains(slurm.arguments("sacct.1"), "--clusters=east,west"));
}

TEST(SlurmCommands, ArgumentsNameTheJobAndItsCluster) {
    const FakeSlurm slurm;
    scheduler()->signal_ranks({12, ""}, "USR2");
    EXPECT_EQ(slurm.arguments("scancel.1"), "--verbose --state=RUNNING --signal=USR2 12");
    scheduler()->cancel({12, "east"});
    EXPECT_EQ(slurm.arguments("scancel.2"), "--clusters=east 12");
    scheduler()->requeue({12, ""});
    EXPECT_EQ(slurm.arguments("scontrol.1"), "requeue 12");
    scheduler()->requeue({12, "east"});
    EXPECT_EQ(slurm.arguments("scontrol.2"), "--clusters=east requeue 12");
}

TEST(SlurmCommands, JobThatIsGoneIsCancelledAlready) {
    FakeSlurm slurm;
    slurm.err("scancel", "scancel: error: Kill job error on job id 12: Invalid job id specified\n");
    scheduler()->cancel({12, ""});
    EXPECT_EQ(message_of([] {
                  scheduler()->signal_ranks({12, ""}, "USR2");
              }),
              "job 12 is not running: it has no ranks to signal");
    slurm.err("scancel",
              "scancel: error: Kill job error on job id 12: Job/step already completing "
              "or completed\n",
              0);
    scheduler()->cancel({12, ""});
    slurm.err("scancel", "scancel: error: Kill job error on job id 12: Access/permission denied\n",
              0);
    EXPECT_TRUE(contains(message_of([] { scheduler()->cancel({12, ""}); }), "permission denied"));
    slurm.err("scontrol", "Job is pending execution for job 12\n");
    EXPECT_TRUE(contains(message_of([] { scheduler()->requeue({12, ""}); }), "is pending"));
}

TEST(SlurmCommands, WaitingJobHasNoRanksToSignal) {
    FakeSlurm slurm;
    slurm.err("scancel",
              "scancel: select/linear: init: Linear node selection plugin loaded with argument 4\n"
              "scancel: error: No active jobs match ALL job filters, including: state=RUNNING \n",
              0);
    EXPECT_EQ(message_of([] {
                  scheduler()->signal_ranks({12, "east"}, "USR2");
              }),
              "job 12;east is not running: it has no ranks to signal");
    slurm.err("scancel", "scancel: Signal 12 to job 12\n", 0);
    scheduler()->signal_ranks({12, ""}, "USR2");
}

}  // namespace r1
