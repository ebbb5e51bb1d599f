// SPDX-License-Identifier: Apache-2.0
#include "slurm/slurm_text.h"

#include <gtest/gtest.h>

#include "tests/common/message_of.h"
#include "tests/slurm/slurm_rows.h"

namespace r1 {

TEST(SubmittedId, IdAndClusterAreRead) {
    EXPECT_EQ(parse_submitted("12\n"), (JobId{12, ""}));
    EXPECT_EQ(parse_submitted("12;east\n"), (JobId{12, "east"}));
    EXPECT_EQ(parse_submitted("Welcome to X!\nquota: 3 TB\n12;east\n\n"), (JobId{12, "east"}));
}

TEST(SubmittedId, AnythingElseIsNoId) {
    for (const char* text : {"", "\n", "Submitted batch job 12\n", "12,east\n", "12;\n", "12;a;b\n",
                             "12;a b\n", "-12\n", "0\n", "12 \n", " 12\n", "12\nwarning\n",
                             "99999999999999999999\n", "0x12\n", "{}\n"})
        EXPECT_EQ(parse_submitted(text), std::nullopt) << text;
}

TEST(QueueText, EveryFieldIsRead) {
    const QueueRow row{.id = "12",
                       .state = "RUNNING",
                       .restarts = "2",
                       .start = "1795305454",
                       .end = "1795309054",
                       .left = "1-02:03:04",
                       .nodes = "node[1-4]",
                       .reason = "None",
                       .comment = "a|b, c"};
    const std::vector<QueuedJob> jobs = parse_queue(row.text());
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].id, (JobId{12, ""}));
    EXPECT_EQ(jobs[0].name, "run1");
    EXPECT_EQ(jobs[0].comment, "a|b, c");
    EXPECT_EQ(jobs[0].state.phase, JobPhase::kRunning);
    EXPECT_EQ(jobs[0].reason, "None");
    EXPECT_EQ(jobs[0].partition, "gpu");
    EXPECT_EQ(jobs[0].nodes, "node[1-4]");
    EXPECT_EQ(jobs[0].restarts, 2);
    EXPECT_EQ(jobs[0].submit_s, 1795305453);
    EXPECT_EQ(jobs[0].start_s, 1795305454);
    EXPECT_EQ(jobs[0].end_s, 1795309054);
    EXPECT_EQ(jobs[0].left_s, 93784);
}

TEST(QueueText, NothingIsNothing) {
    EXPECT_TRUE(parse_queue("").empty());
    const std::vector<QueuedJob> jobs =
        parse_queue(QueueRow{.id = "1", .left = "UNLIMITED"}.text());
    EXPECT_EQ(jobs.at(0).comment, "");
    EXPECT_EQ(jobs.at(0).nodes, "");
    EXPECT_EQ(jobs.at(0).start_s, std::nullopt);
    EXPECT_EQ(jobs.at(0).left_s, std::nullopt);
}

TEST(QueueText, OtherToolsJobsAreSkipped) {
    std::string text;
    for (const char* id : {"3_[0-9%4]", "3_1", "5+0", "5+1", "7"})
        text += QueueRow{.id = id}.text();
    const std::vector<QueuedJob> jobs = parse_queue(text);
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].id.number, 7);
}

TEST(QueueText, NamesCannotShiftFields) {
    std::string text = QueueRow{.id = "1", .name = "a\nb|c", .comment = "d\n\n2|e\n"}.text();
    text += QueueRow{.id = "2",
                     .name =
                         "a\x1f"
                         "b"}
                .text();
    text += QueueRow{.id = "3", .comment = "x\x1f\x1f"}.text();
    text += QueueRow{.id = "4",
                     .comment =
                         "c\x1e"
                         "d"}
                .text();
    text += QueueRow{.id = "5", .name = ""}.text();
    const std::vector<QueuedJob> jobs = parse_queue(text);
    ASSERT_EQ(jobs.size(), 3U);
    EXPECT_EQ(jobs[0].name, "a\nb|c");
    EXPECT_EQ(jobs[0].comment, "d\n\n2|e\n");
    EXPECT_EQ(jobs[1].id.number, 4);
    EXPECT_EQ(jobs[2].id.number, 5);
}

TEST(QueueText, JobThatIsNotUnderstoodIsNotGone) {
    const std::string good = QueueRow{.id = "1"}.text();
    EXPECT_EQ(message_of([&] { parse_queue(good.substr(0, good.size() - 4)); }).substr(0, 50),
              "squeue answered with what cannot be read: '1\\x1FPE");
    for (const std::string& text :
         {std::string("JOBID PARTITION\n"), good + "{}", good + "1\x1fRUNNING\x1e\n",
          QueueRow{.id = "x"}.text(), QueueRow{.id = ""}.text(), QueueRow{.id = "_1"}.text()})
        EXPECT_NE(message_of([&] { parse_queue(text); }).find("cannot be read"), std::string::npos)
            << text;
}

TEST(QueueText, HeadingsNameTheCluster) {
    const std::string row = QueueRow{.id = "1"}.text();
    const std::vector<QueuedJob> jobs =
        parse_queue("CLUSTER: east\n" + row + "\nCLUSTER: none\nCLUSTER: west\n" + row + row);
    ASSERT_EQ(jobs.size(), 3U);
    EXPECT_EQ(jobs[0].id, (JobId{1, "east"}));
    EXPECT_EQ(jobs[2].id, (JobId{1, "west"}));
}

TEST(HistoryText, AttemptsComeInTheirOrder) {
    std::string text = HistoryRow{.id = "9",
                                  .state = "COMPLETED",
                                  .submit = "300",
                                  .start = "310",
                                  .end = "350",
                                  .suspended = "00:01:02"}
                           .text();
    text +=
        HistoryRow{.id = "9", .state = "PREEMPTED", .submit = "100", .start = "110", .end = "200"}
            .text();
    text +=
        HistoryRow{.id = "9", .state = "NODE_FAIL", .submit = "200", .start = "210", .end = "300"}
            .text();
    const std::vector<PastJob> jobs = parse_history(text);
    ASSERT_EQ(jobs.size(), 3U);
    EXPECT_EQ(jobs[0].state.end, JobEnd::kPreempted);
    EXPECT_EQ(jobs[1].state.end, JobEnd::kNodeFailed);
    EXPECT_EQ(jobs[2].state.end, JobEnd::kCompleted);
    EXPECT_EQ(jobs[2].suspended_s, 62);
    EXPECT_EQ(jobs[2].start_s, 310);
    EXPECT_EQ(jobs[2].end_s, 350);
    EXPECT_EQ(jobs[2].exit_code, "0:0");
    EXPECT_EQ(jobs[2].user, "ada");
    EXPECT_EQ(jobs[2].account, "lab");
    EXPECT_EQ(jobs[2].allocated, "billing=8,cpu=8,gres/gpu=8,node=1");
}

TEST(HistoryText, CancelledWhilePendingHasNoNodes) {
    for (const char* never : {"Unknown", "None"}) {
        const HistoryRow row{.id = "9",
                             .state = "CANCELLED by 1000",
                             .start = never,
                             .nodes = "None assigned",
                             .allocated = ""};
        const std::vector<PastJob> jobs = parse_history(row.text());
        EXPECT_EQ(jobs.at(0).state.end, JobEnd::kCancelled);
        EXPECT_EQ(jobs.at(0).start_s, std::nullopt);
        EXPECT_EQ(jobs.at(0).nodes, "");
        EXPECT_EQ(jobs.at(0).allocated, "");
    }
}

TEST(HistoryText, NamesCannotShiftFields) {
    std::string text = HistoryRow{.id = "1", .name = "a\n2|b\n", .comment = "\nx"}.text();
    text += HistoryRow{.id = "2",
                       .comment =
                           "a\x1f"
                           "b"}
                .text();
    text += HistoryRow{.id = "3_1"}.text() + HistoryRow{.id = "4+0"}.text();
    text += "a line of the site\n" + HistoryRow{.id = "5"}.text();
    const std::vector<PastJob> jobs = parse_history(text);
    ASSERT_EQ(jobs.size(), 2U);
    EXPECT_EQ(jobs[0].name, "a\n2|b\n");
    EXPECT_EQ(jobs[0].comment, "\nx");
    EXPECT_EQ(jobs[1].id.number, 5);
    EXPECT_NE(message_of([] { parse_history("1|COMPLETED|\n"); }).find("sacct answered"),
              std::string::npos);
    EXPECT_NE(message_of([] { parse_history("{}"); }).find("cannot be read"), std::string::npos);
}

TEST(SlurmTime, OnlyEpochSecondsAreATime) {
    EXPECT_EQ(parse_epoch("1795305453"), 1795305453);
    for (const char* text : {"", "Unknown", "None", "N/A", "0", "-5", "1e9", " 1", "%s"})
        EXPECT_EQ(parse_epoch(text), std::nullopt) << text;
}

TEST(SlurmTime, HourThatComesTwiceIsNotGuessed) {
    // In Berlin this local time is 1761438600 and again 1761442200; by seconds there is no doubt.
    EXPECT_EQ(parse_epoch("2025-10-26T02:30:00"), std::nullopt);
    EXPECT_EQ(*parse_epoch("1761442200") - *parse_epoch("1761438600"), 3600);
}

TEST(SlurmTime, DurationsAreRead) {
    EXPECT_EQ(parse_slurm_duration("1-02:03:04"), 93784);
    EXPECT_EQ(parse_slurm_duration("02:03:04"), 7384);
    EXPECT_EQ(parse_slurm_duration("02:03"), 123);
    EXPECT_EQ(parse_slurm_duration("0:00"), 0);
    for (const char* text :
         {"", "UNLIMITED", "INVALID", "NOT_SET", "N/A", "5", "1-", "-1:00", "1:-2", "1:2:3:4",
          "1-2-3:4", ":", "99999999999:00", "99999999999-00:00:01"})
        EXPECT_EQ(parse_slurm_duration(text), std::nullopt) << text;
    EXPECT_EQ(slurm_utc_text(1795305453), "2026-11-21T23:57:33");
}

TEST(SlurmWords, CommandsNameIsLeftOutAndTheRestIsPrintable) {
    EXPECT_EQ(slurm_words("sbatch: error: bad \x1b[31m\nsbatch: fatal: worse\n\nplain\n"),
              "bad \\x1B[31m; worse; plain");
}

TEST(SlurmWords, RefusalsAreTold) {
    const std::string failed = "sbatch: error: Batch job submission failed: ";
    for (const std::string& text :
         {failed + "Invalid partition name specified",
          failed + "Requested node configuration is not available",
          failed + "Requested time limit is invalid (missing or exceeds some limit)",
          failed + "Invalid account or account/partition combination specified",
          failed + "Invalid generic resource (gres) specification",
          failed + "Job violates accounting/QOS policy (job submit limit, user's size and/or time "
                   "limits)",
          failed + "More processors requested than permitted",
          failed + "Invalid feature specification", failed + "Requested reservation is invalid",
          failed + "Invalid node name specified",
          std::string("sbatch: error: Invalid --time specification"),
          std::string("sbatch: unrecognized option '--nope'"),
          std::string("sbatch: error: Memory specification can not be satisfied"),
          std::string("sbatch: error: Unable to open file /tmp/none.sh")})
        EXPECT_TRUE(is_refusal(text)) << text;
}

TEST(SlurmWords, WhatIsOpenIsNoRefusal) {
    const std::string failed = "sbatch: error: Batch job submission failed: ";
    for (const std::string& text : {failed + "Socket timed out on send/recv operation",
                                    failed + "Unable to contact slurm controller (connect failure)",
                                    failed + "Transport endpoint is not connected",
                                    failed + "Zero Bytes were transmitted or received",
                                    failed + "Unexpected message received",
                                    failed + "Some error of a later version", std::string(),
                                    // A warning beside it must not turn it into a refusal.
                                    "sbatch: error: invalid partition specified: x\n" + failed +
                                        "Socket timed out on send/recv operation"})
        EXPECT_FALSE(is_refusal(text)) << text;
}

TEST(SlurmWords, NoAccountingIsTold) {
    for (const char* text : {"Slurm accounting storage is disabled\n",
                             "sacct: error: slurm_persist_conn_open_without_init: failed to open "
                             "persistent connection to "
                             "host:db:6819: Connection refused\nsacct: error: Sending PersistInit "
                             "msg: Connection refused\n",
                             "sacct: error: Problem talking to the database: Connection refused\n",
                             "sacct: error: slurmdbd: Unable to connect\n",
                             "sacct: error: Socket timed out on send/recv operation\n"})
        EXPECT_TRUE(lacks_accounting(text)) << text;
    EXPECT_FALSE(lacks_accounting("sacct: fatal: Invalid field requested: \"Comment\"\n"));
    EXPECT_FALSE(lacks_accounting("sacct: error: Too wide of a date range in query\n"));
}

/// What scontrol requeue says instead of an answer while the controller is down.
TEST(SlurmText, SilentControllerIsKnownByEachOfItsWords) {
    EXPECT_TRUE(lost_controller("Unexpected message received for job 1"));
    EXPECT_TRUE(lost_controller("error: Unable to contact slurm controller (connect failure)"));
    EXPECT_FALSE(lost_controller("Job is pending execution for job 1"));
}

}  // namespace r1
