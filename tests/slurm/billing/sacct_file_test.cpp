// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/sacct_file.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "slurm/billing/bill.h"
#include "tests/common/message_of.h"
#include "tests/slurm/billing/charge_fixture.h"

namespace r1 {
namespace {

constexpr std::int64_t kNow = 2'000'000'000'000;
const std::string kHeading =
    "JobID|JobName|State|User|Account|Cluster|Partition|Start|End|Suspended|AllocTRES|ReqTRES\n";
const std::string kEight = "billing=8,cpu=64,gres/gpu:h800=8,gres/gpu=8,node=1|";

std::vector<Charge> read(const std::string& rows) {
    CostSection prices;
    prices.prices = {test::gpu_price("two", "2.00")};
    return charges_of_sacct(kHeading + rows, "jobs.txt", prices, kNow);
}

std::string line(const std::string& id, const std::string& times,
                 const std::string& tres = kEight) {
    return id + "|train|COMPLETED|ada|lab|east|gpu|" + times + "|" + tres + "\n";
}

TEST(SacctFile, ReadsAJob) {
    const auto charges = read(line("12", "1000000|1003600|00:00:00"));
    ASSERT_EQ(charges.size(), 1U);
    const Charge& charge = charges[0];
    EXPECT_EQ(charge.run, "job 12");
    EXPECT_EQ(charge.recipe, "train");
    EXPECT_EQ(charge.user, "ada");
    EXPECT_EQ(charge.account, "lab");
    EXPECT_EQ(charge.partition, "gpu");
    EXPECT_EQ(charge.gpu_type, "h800");
    EXPECT_EQ(charge.allocated, (Allocation{8, 1, 64, 8}));
    EXPECT_EQ(charge.source, ChargeSource::kAccounting);
    EXPECT_FALSE(charge.provisional);
    EXPECT_EQ(cost_text(bill_of(charges)), "16.00 USD");
}

TEST(SacctFile, EveryStartOfARequeuedJobCounts) {
    const auto charges =
        read(line("12", "1000000|1003600|00:00:00") + line("12", "1003700|1007300|00:00:00"));
    ASSERT_EQ(charges.size(), 2U);
    EXPECT_EQ(charges[0].attempt, 1);
    EXPECT_EQ(charges[1].attempt, 2);
    EXPECT_EQ(cost_text(bill_of(charges)), "32.00 USD");
}

TEST(SacctFile, StepsAreNoJobsAndTasksOfArraysAre) {
    const auto charges =
        read(line("12_3", "1000000|1003600|00:00:00") +
             line("12_3.batch", "1000000|1003600|00:00:00", "cpu=8,node=1|") +
             line("12_4", "1000000|1003600|00:00:00") + line("13+1", "1000000|1003600|00:00:00"));
    EXPECT_EQ(charges.size(), 3U);
}

TEST(SacctFile, WindowsThatOverlapDoNotCountAJobTwice) {
    const std::string once = line("12", "1000000|1003600|00:00:00");
    EXPECT_EQ(read(once + kHeading + once).size(), 1U);
    const auto charges = read(line("12", "1000000|Unknown|00:00:00") + once);
    ASSERT_EQ(charges.size(), 1U);
    EXPECT_FALSE(charges[0].provisional);
    EXPECT_EQ(charges[0].end_ms, 1'003'600'000);
}

TEST(SacctFile, JobsThatNeverStartedCostNothing) {
    EXPECT_TRUE(read("12|train|CANCELLED by 0|ada|lab|east|gpu|1000000|1000000|00:00:00||\n"
                     "13|train|PENDING|ada|lab|east|gpu|Unknown|Unknown|00:00:00||" +
                     kEight.substr(0, kEight.size() - 1) + "\n")
                    .empty());
}

TEST(SacctFile, WhatRunsIsProvisionalUntilNow) {
    const auto charges =
        read("12|train|RUNNING|ada|lab|east|gpu|1000000|Unknown|00:00:00|" + kEight + "\n");
    ASSERT_EQ(charges.size(), 1U);
    EXPECT_TRUE(charges[0].provisional);
    EXPECT_EQ(charges[0].end_ms, kNow);
}

TEST(SacctFile, SuspendedTimeStaysAllocated) {
    const auto charges = read(line("12", "1000000|1003600|00:10:00"));
    EXPECT_EQ(charges[0].suspended_ms, 600'000);
    EXPECT_EQ(cost_text(bill_of(charges)), "16.00 USD");
    const auto elapsed = charges_of_sacct(
        "JobIDRaw|Start|End|Elapsed|AllocTRES\n12|1000000|1003600|00:50:00|gres/gpu=8\n", "x", {},
        kNow);
    EXPECT_EQ(elapsed[0].suspended_ms, 600'000);
    EXPECT_EQ(elapsed[0].end_ms - elapsed[0].start_ms, 3'600'000);
}

TEST(SacctFile, GpusThatAreNotTrackedAreThoseAskedFor) {
    const auto charges =
        read(line("12", "1000000|1003600|00:00:00", "cpu=64,node=1|cpu=64,gres/gpu=4,node=1"));
    EXPECT_EQ(charges[0].allocated.gpus, 4);
    EXPECT_EQ(charges[0].gpus_from, "request");
}

TEST(SacctFile, WholeNodesGoBeforeTheRequest) {
    const auto charges = read(
        line("12", "1000000|1003600|00:00:00", "cpu=64,gres/gpu=8,node=1|cpu=1,gres/gpu=1,node=1"));
    EXPECT_EQ(charges[0].allocated.gpus, 8);
    EXPECT_EQ(charges[0].gpus_from, "");
}

TEST(SacctFile, SlicesAreRefused) {
    const auto charges =
        read(line("12", "1000000|1003600|00:00:00", "gres/gpu:1g.10gb=1,gres/gpu=1|"));
    EXPECT_NE(charges[0].refused, "");
    EXPECT_EQ(bill_of(charges).gpu_ms, 0);
}

TEST(SacctFile, SaysWhereItCannotBeRead) {
    const auto message = [](const std::string& text) {
        return message_of([&] { charges_of_sacct(text, "jobs.txt", {}, kNow); });
    };
    EXPECT_NE(message("").find("jobs.txt:0: the file is empty"), std::string::npos);
    EXPECT_NE(message("JobID|Start|End\n").find("no column AllocTRES"), std::string::npos);
    EXPECT_NE(message(kHeading + "12|a|b\n").find("jobs.txt:2: 3 fields"), std::string::npos);
    EXPECT_NE(message(kHeading + line("x", "1|2|00:00")).find("jobs.txt:2: JobID: 'x'"),
              std::string::npos);
    EXPECT_NE(message(kHeading + line("12", "soon|2|00:00")).find("Start: 'soon' is not a time"),
              std::string::npos);
    EXPECT_NE(message(kHeading + line("12", "9|2|00:00")).find("ends before it starts"),
              std::string::npos);
    EXPECT_NE(message(kHeading + line("12", "1|2|00:00", "gres/gpu=1.5K|")).find("--noconvert"),
              std::string::npos);
}

}  // namespace
}  // namespace r1
