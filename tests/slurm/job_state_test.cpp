// SPDX-License-Identifier: Apache-2.0
#include "slurm/job_state.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace r1 {

namespace {

JobPhase phase_of(std::string_view text) {
    return parse_job_state(text).phase;
}
JobEnd end_of(std::string_view text) {
    return parse_job_state(text).end;
}

}  // namespace

TEST(JobState, OnlyEndsAreEnds) {
    const std::vector<std::pair<std::string, JobEnd>> ends{
        {"COMPLETED", JobEnd::kCompleted},
        {"FAILED", JobEnd::kFailed},
        {"OUT_OF_MEMORY", JobEnd::kFailed},
        {"CANCELLED", JobEnd::kCancelled},
        {"TIMEOUT", JobEnd::kTimeLimit},
        {"DEADLINE", JobEnd::kTimeLimit},
        {"PREEMPTED", JobEnd::kPreempted},
        {"NODE_FAIL", JobEnd::kNodeFailed},
        {"BOOT_FAIL", JobEnd::kNodeFailed},
        {"CD", JobEnd::kCompleted},
        {"F", JobEnd::kFailed},
        {"OOM", JobEnd::kFailed},
        {"CA", JobEnd::kCancelled},
        {"TO", JobEnd::kTimeLimit},
        {"PR", JobEnd::kPreempted},
        {"NF", JobEnd::kNodeFailed},
        {"BF", JobEnd::kNodeFailed},
        {"DL", JobEnd::kTimeLimit},
    };
    for (const auto& [text, expected] : ends) {
        EXPECT_EQ(phase_of(text), JobPhase::kEnded) << text;
        EXPECT_EQ(end_of(text), expected) << text;
        EXPECT_FALSE(parse_job_state(text).requeued) << text;
    }
}

TEST(JobState, WhoCancelledDoesNotMatter) {
    for (const char* text : {"CANCELLED by 0", "CANCELLED by 1000", "CANCELLED+", " CANCELLED "}) {
        EXPECT_EQ(phase_of(text), JobPhase::kEnded) << text;
        EXPECT_EQ(end_of(text), JobEnd::kCancelled) << text;
    }
    EXPECT_EQ(parse_job_state("CANCELLED by 0").text, "CANCELLED by 0");
}

TEST(JobState, JobsWithNodesRun) {
    for (const char* text :
         {"RUNNING", "R", "SUSPENDED", "S", "STOPPED", "ST", "CONFIGURING", "CF", "COMPLETING",
          "CG", "RESIZING", "RS", "SIGNALING", "SI", "STAGE_OUT", "SO", "POWER_UP_NODE"}) {
        EXPECT_EQ(phase_of(text), JobPhase::kRunning) << text;
        EXPECT_EQ(end_of(text), JobEnd::kNone) << text;
    }
}

TEST(JobState, HeldAndRequeuedJobsWait) {
    for (const char* text : {"PENDING", "PD", "RESV_DEL_HOLD", "RD"}) {
        EXPECT_EQ(phase_of(text), JobPhase::kWaiting) << text;
        EXPECT_FALSE(parse_job_state(text).requeued) << text;
    }
    for (const char* text : {"REQUEUED", "RQ", "REQUEUE_HOLD", "RH", "REQUEUE_FED", "RF",
                             "SPECIAL_EXIT", "SE", "EXPEDITING"}) {
        EXPECT_EQ(phase_of(text), JobPhase::kWaiting) << text;
        EXPECT_TRUE(parse_job_state(text).requeued) << text;
        EXPECT_EQ(end_of(text), JobEnd::kNone) << text;
    }
}

TEST(JobState, FlagsCountMoreThanTheBaseState) {
    for (const char* text : {"COMPLETED,COMPLETING", "COMPLETING+COMPLETED", "FAILED+COMPLETING",
                             "PENDING,COMPLETING", "RUNNING,CONFIGURING", "TIMEOUT, COMPLETING"}) {
        EXPECT_EQ(phase_of(text), JobPhase::kRunning) << text;
        EXPECT_EQ(end_of(text), JobEnd::kNone) << text;
    }
    for (const char* text : {"PREEMPTED,REQUEUED", "NODE_FAIL+REQUEUED", "PENDING,REQUEUE_HOLD",
                             "FAILED,SPECIAL_EXIT"}) {
        EXPECT_EQ(phase_of(text), JobPhase::kWaiting) << text;
        EXPECT_TRUE(parse_job_state(text).requeued) << text;
        EXPECT_EQ(end_of(text), JobEnd::kNone) << text;
    }
    EXPECT_TRUE(parse_job_state("PENDING,REQUEUED,COMPLETING").requeued);
    EXPECT_EQ(phase_of("FAILED,LAUNCH_FAILED"), JobPhase::kEnded);
    EXPECT_EQ(phase_of("PENDING,LAUNCH_FAILED,REQUEUE_HOLD"), JobPhase::kWaiting);
    EXPECT_EQ(phase_of("RUNNING,UPDATE_DB"), JobPhase::kRunning);
}

TEST(JobState, UnknownWordsAreNeverAnEnd) {
    for (const char* text :
         {"", " ", ",", "REVOKED", "RV", "completed", "COMPLETED by 0", "COMPLETE", "COMPLET+",
          "COMPLETED,SOMETHING_NEW", "SOMETHING_NEW,FAILED", "CANCELLED by 0,NEW", "{}", "null",
          "LAUNCH_FAILED", "RECONFIG_FAIL", "UPDATE_DB", "COMPLETED,REVOKED",
          "COMPLETED RUNNING"}) {
        EXPECT_EQ(phase_of(text), JobPhase::kUnknown) << text;
        EXPECT_EQ(end_of(text), JobEnd::kNone) << text;
        EXPECT_FALSE(parse_job_state(text).requeued) << text;
    }
}

}  // namespace r1
