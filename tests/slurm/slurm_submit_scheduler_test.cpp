// SPDX-License-Identifier: Apache-2.0
// A job is queued exactly once, whatever sbatch says.
#include <gtest/gtest.h>

#include "common/error.h"
#include "slurm/scheduler.h"
#include "tests/common/message_of.h"
#include "tests/slurm/fake_slurm.h"
#include "tests/slurm/slurm_rows.h"

namespace r1 {

namespace {

const JobRequest kRequest{
    {"--partition=gpu", "--nodes=2"}, "/runs/run1/job.sbatch", "run1", "r1ctl run1 plan 0 x7"};
const std::string kTimeOut =
    "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n";
const std::string kNoController =
    "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n";

JobId submit(const JobRequest& request = kRequest) {
    const std::chrono::milliseconds pause{1};
    return make_slurm_scheduler(
               {.limit = std::chrono::seconds{2}, .tries = 2, .pauses = {pause, pause, pause}})
        ->submit(request);
}

std::string error_of_submit() {
    try {
        submit();
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ExitCode::kScheduler);
        return e.what();
    }
    return "nothing was thrown";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Our job as the queue shows it, and others that must not be taken for it.
std::string ours(const std::string& id, const std::string& submit = "1795305453") {
    return QueueRow{.id = id, .submit = submit, .comment = kRequest.comment}.text();
}
std::string others() {
    return QueueRow{.id = "90", .comment = "r1ctl run1 plan 1 x8"}.text() +
           QueueRow{.id = "91", .name = "run2", .comment = kRequest.comment}.text();
}

}  // namespace

TEST(SlurmSubmit, IdComesBackAndArgumentsAreTheRequests) {
    FakeSlurm slurm;
    slurm.out("sbatch", "the site's welcome\n12;east\n");
    EXPECT_EQ(submit(), (JobId{12, "east"}));
    EXPECT_EQ(
        slurm.argument_list("sbatch.1"),
        (std::vector<std::string>{"--parsable", "--job-name=run1", "--comment=r1ctl run1 plan 0 x7",
                                  "--partition=gpu", "--nodes=2", "/runs/run1/job.sbatch"}));
    EXPECT_EQ(slurm.calls("squeue"), 0U);
}

TEST(SlurmSubmit, RefusalIsTriedOnce) {
    for (const char* words :
         {"Batch job submission failed: Invalid partition name specified",
          "Batch job submission failed: Requested time limit is invalid (missing or exceeds some "
          "limit)",
          "Batch job submission failed: Invalid generic resource (gres) specification",
          "Batch job submission failed: Invalid account or account/partition combination "
          "specified"}) {
        FakeSlurm slurm;
        slurm.err("sbatch", std::string("sbatch: error: ") + words + "\n");
        EXPECT_EQ(error_of_submit(),
                  std::string("the job 'run1' was refused, and nothing was queued: sbatch failed "
                              "(exit code 1): ") +
                      words);
        EXPECT_EQ(slurm.calls("sbatch"), 1U);
        EXPECT_EQ(slurm.calls("squeue"), 0U);
    }
}

TEST(SlurmSubmit, JobThatShowsAtTheSecondLookIsTaken) {
    FakeSlurm slurm;
    slurm.err("sbatch", kTimeOut);
    slurm.out("squeue.1", others());
    slurm.out("squeue.2", others() + ours("12"));
    EXPECT_EQ(submit().number, 12);
    EXPECT_EQ(slurm.calls("sbatch"), 1U);
    EXPECT_EQ(slurm.calls("squeue"), 2U);
}

TEST(SlurmSubmit, HangingSbatchIsLookedFor) {
    FakeSlurm slurm;
    slurm.hangs("sbatch");
    slurm.out("squeue", ours("12"));
    EXPECT_EQ(submit().number, 12);
    EXPECT_EQ(slurm.calls("sbatch"), 1U);
}

TEST(SlurmSubmit, AnswerThatIsNoIdIsLookedFor) {
    FakeSlurm slurm;
    slurm.out("sbatch", "Submitted batch job 12\n");
    slurm.out("squeue", ours("12"));
    EXPECT_EQ(submit().number, 12);
    EXPECT_EQ(slurm.calls("sbatch"), 1U);
}

TEST(SlurmSubmit, AnswerThatIsNoIdIsNeverTriedAgain) {
    FakeSlurm slurm;
    slurm.out("sbatch", "{}\n");
    EXPECT_TRUE(contains(error_of_submit(), "it is not known whether job 'run1' was queued"));
    EXPECT_EQ(slurm.calls("sbatch"), 1U);
}

TEST(SlurmSubmit, JobThatOnlyTheAccountingKnowsIsTaken) {
    FakeSlurm slurm;
    slurm.err("sbatch", kTimeOut);
    slurm.out("sacct",
              HistoryRow{.id = "12", .submit = "9999999999", .comment = kRequest.comment}.text());
    EXPECT_EQ(submit().number, 12);
    EXPECT_EQ(slurm.calls("sbatch"), 1U);
    EXPECT_TRUE(contains(slurm.arguments("sacct.1"), "--name=run1"));
}

TEST(SlurmSubmit, RecordWithoutACommentIsNotGuessed) {
    FakeSlurm slurm;
    slurm.err("sbatch", kTimeOut);
    slurm.out("sacct", HistoryRow{.id = "12", .submit = "9999999999"}.text());
    EXPECT_TRUE(
        contains(error_of_submit(), "job 12 has its name, and the accounting keeps no comments"));
    EXPECT_EQ(slurm.calls("sbatch"), 1U);
}

TEST(SlurmSubmit, RecordOfAnotherJobOfTheRunIsNoReasonToStop) {
    FakeSlurm slurm;
    slurm.err("sbatch.1", kTimeOut);
    slurm.out("sbatch.2", "13\n");
    slurm.out("squeue", others());
    slurm.out("sacct", HistoryRow{.id = "90", .submit = "9999999999"}.text());
    EXPECT_EQ(submit().number, 13);
}

TEST(SlurmSubmit, JobThatNeverShowsIsTriedAgain) {
    FakeSlurm slurm;
    slurm.err("sbatch.1", kTimeOut);
    slurm.out("sbatch.2", "13\n");
    slurm.err("sacct", "Slurm accounting storage is disabled\n");
    EXPECT_EQ(submit().number, 13);
    EXPECT_EQ(slurm.calls("sbatch"), 2U);
    EXPECT_EQ(slurm.calls("scancel"), 0U);
    // Three looks before the second try, and three after it.
    EXPECT_EQ(slurm.calls("squeue"), 6U);
}

TEST(SlurmSubmit, OfTwoJobsTheYoungerIsCancelled) {
    FakeSlurm slurm;
    slurm.err("sbatch.1", kTimeOut);
    slurm.out("sbatch.2", "13\n");
    for (const char* early : {"squeue.1", "squeue.2", "squeue.3"}) slurm.out(early, others());
    slurm.out("squeue", ours("13", "1795305490") + others() + ours("12", "1795305480"));
    EXPECT_EQ(submit().number, 12);
    EXPECT_EQ(slurm.calls("scancel"), 1U);
    EXPECT_EQ(slurm.arguments("scancel.1"), "13");
}

TEST(SlurmSubmit, SecondJobThatStaysIsAnError) {
    FakeSlurm slurm;
    slurm.err("sbatch", kTimeOut);
    slurm.out("squeue", ours("12") + ours("13"));
    slurm.err("scancel", "scancel: error: Access/permission denied\n");
    EXPECT_EQ(
        error_of_submit(),
        "job 'run1' was queued twice, and the second one stays: scancel failed (exit code 1): "
        "Access/permission denied. Keep 12 and type: scancel 13");
}

TEST(SlurmSubmit, QueueThatCannotBeReadLeavesItOpen) {
    FakeSlurm slurm;
    slurm.err("sbatch", kTimeOut);
    slurm.err("squeue", kNoController);
    EXPECT_EQ(
        error_of_submit(),
        "it is not known whether job 'run1' was queued: sbatch failed (exit code 1): Batch job "
        "submission failed: Socket timed out on send/recv operation; squeue failed (exit code "
        "1): slurm_load_jobs error: Unable to contact slurm controller (connect failure). "
        "Before another try look for the comment 'r1ctl run1 plan 0 x7' with: squeue --me "
        "--states=all --Format=JobID,State,Comment:100");
    EXPECT_EQ(slurm.calls("sbatch"), 1U);
}

TEST(SlurmSubmit, OneLookIsNotEnough) {
    FakeSlurm slurm;
    slurm.err("sbatch", kTimeOut);
    slurm.err("squeue.1", kNoController);
    slurm.err("squeue.2", kNoController);
    EXPECT_TRUE(contains(error_of_submit(), "the queue answered only once"));
    EXPECT_EQ(slurm.calls("sbatch"), 1U);
}

TEST(SlurmSubmit, TriesEnd) {
    FakeSlurm slurm;
    slurm.err("sbatch",
              "sbatch: error: Batch job submission failed: Some error of a later version\n");
    EXPECT_EQ(error_of_submit(),
              "job 'run1' was not queued, in 2 tries: sbatch failed (exit code 1): Batch job "
              "submission failed: Some error of a later version");
    EXPECT_EQ(slurm.calls("sbatch"), 2U);
}

TEST(SlurmSubmit, RefusalOfTheSecondTryFindsTheFirst) {
    FakeSlurm slurm;
    slurm.err("sbatch.1", kTimeOut);
    slurm.err("sbatch.2",
              "sbatch: error: Batch job submission failed: Job violates accounting/QOS "
              "policy (job submit limit, user's size and/or time limits)\n");
    for (const char* early : {"squeue.1", "squeue.2", "squeue.3"}) slurm.out(early, others());
    slurm.out("squeue", ours("12"));
    EXPECT_EQ(submit().number, 12);
}

TEST(SlurmSubmit, RecordOfARefusedJobIsNoJob) {
    FakeSlurm slurm;
    slurm.err("sbatch.1", kTimeOut);
    slurm.err("sbatch.2",
              "sbatch: error: Batch job submission failed: Requested node configuration is "
              "not available\n");
    for (const char* early : {"squeue.1", "squeue.2", "squeue.3"}) slurm.out(early, others());
    slurm.out(
        "squeue",
        QueueRow{
            .id = "12", .state = "FAILED", .reason = "BadConstraints", .comment = kRequest.comment}
            .text());
    slurm.out("sacct.2", HistoryRow{.id = "12",
                                    .state = "FAILED",
                                    .submit = "9999999999",
                                    .nodes = "None assigned",
                                    .comment = kRequest.comment}
                             .text());
    EXPECT_TRUE(contains(error_of_submit(), "was refused, and nothing was queued"));
}

TEST(SlurmSubmit, JobIsLookedForWhereItWasSent) {
    for (const std::vector<std::string>& options :
         {std::vector<std::string>{"--clusters=east"}, {"-M", "east"}, {"-Meast"}}) {
        FakeSlurm slurm;
        slurm.err("sbatch", kTimeOut);
        slurm.out("squeue", "CLUSTER: east\n" + ours("12"));
        JobRequest request = kRequest;
        request.options = options;
        EXPECT_EQ(submit(request), (JobId{12, "east"}));
        EXPECT_TRUE(contains(slurm.arguments("squeue.1"), "--clusters=east"));
    }
}

TEST(SlurmForecast, AnswerIsOnStderrAndQueuesNothing) {
    FakeSlurm slurm;
    const std::string words =
        "Job 123 to start at 2026-11-22T01:27:58 using 8 processors on nodes node1 in partition "
        "gpu";
    slurm.err("sbatch", "sbatch: " + words + "\n", 0);
    const Forecast forecast = make_slurm_scheduler()->forecast(kRequest);
    EXPECT_TRUE(forecast.accepted);
    EXPECT_EQ(forecast.message, words);
    EXPECT_EQ(slurm.argument_list("sbatch.1").front(), "--test-only");
    EXPECT_EQ(slurm.calls("sbatch"), 1U);
}

TEST(SlurmForecast, RefusalIsAnAnswer) {
    FakeSlurm slurm;
    slurm.err("sbatch",
              "sbatch: error: invalid partition specified: x\nallocation failure: Invalid "
              "partition name specified\n");
    const Forecast forecast = make_slurm_scheduler()->forecast(kRequest);
    EXPECT_FALSE(forecast.accepted);
    EXPECT_EQ(
        forecast.message,
        "invalid partition specified: x; allocation failure: Invalid partition name specified");
}

TEST(SlurmForecast, ControllerThatIsAwayIsNoRefusal) {
    FakeSlurm slurm;
    slurm.err("sbatch",
              "allocation failure: Unable to contact slurm controller (connect failure)\n");
    EXPECT_TRUE(contains(message_of([] { make_slurm_scheduler()->forecast(kRequest); }),
                         "Unable to contact slurm controller"));
}

}  // namespace r1
