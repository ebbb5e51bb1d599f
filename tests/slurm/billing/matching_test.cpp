// SPDX-License-Identifier: Apache-2.0
// Which start in the accounting is which attempt, and what then counts.
#include "common/error.h"
#include "tests/common/message_of.h"
#include "tests/slurm/billing/billed_run.h"

namespace r1::testing {
namespace {

class Matching : public BilledRun {
  protected:
    Matching() { write_job_record(); }
};

TEST_F(Matching, WhatTheAccountingSaysIsWhatIsBilled) {
    price("price_per_gpu_hour: 2");
    write(under_slurm(1, kStart, kStart + kHour - 30 * kSecond));
    told({start("COMPLETED", kStart, kStart + kHour)});
    const Charge charge = charges().at(0);
    EXPECT_EQ(charge.source, ChargeSource::kAccounting);
    EXPECT_EQ(charge.attempt, 1);
    EXPECT_EQ(charge.job, 12);
    EXPECT_EQ(charge.end_ms - charge.start_ms, kHour);
    EXPECT_EQ(charge.allocated, (Allocation{8, 1, 16, 16}));
    EXPECT_EQ(charge.gpus_from, "");
    EXPECT_EQ(charge.gpu_type, "h800");
    EXPECT_EQ(charge.user, "ada");
    EXPECT_EQ(charge.account, "lab");
    EXPECT_EQ(charge.state, "completed");
    EXPECT_FALSE(charge.provisional);
    EXPECT_FALSE(charge.disagreement);
    EXPECT_EQ(cost_text(bill_of(charge)), "16.00 USD");
}

TEST_F(Matching, StartsOfARequeuedJobGoToItsAttemptsInOrder) {
    write(under_slurm(1, kStart + 4 * kSecond, kStart + 100 * kSecond, 0));
    write(under_slurm(2, kStart + 134 * kSecond, std::nullopt, 1));
    write(under_slurm(3, kStart + 304 * kSecond, kStart + 400 * kSecond, 2));
    told({start("REQUEUED", kStart, kStart + 101 * kSecond),
          start("NODE_FAIL", kStart + 130 * kSecond, kStart + 290 * kSecond),
          start("COMPLETED", kStart + 300 * kSecond, kStart + 401 * kSecond)});
    const std::vector<Charge> all = charges();
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].attempt, 1);
    EXPECT_EQ(all[0].state, "requeued");
    EXPECT_EQ(all[1].attempt, 2);
    EXPECT_EQ(all[1].state, "node failed");
    EXPECT_EQ(all[1].end_ms, kStart + 290 * kSecond);
    EXPECT_EQ(all[2].attempt, 3);
    EXPECT_EQ(bill_of(all).gpu_ms, 8 * (101 + 160 + 101) * kSecond);
}

TEST_F(Matching, StartThatCameToNoAttemptIsChargedToo) {
    write(under_slurm(1, kStart + 200 * kSecond, kStart + 300 * kSecond, 1));
    told({start("NODE_FAIL", kStart, kStart + 40 * kSecond),
          start("COMPLETED", kStart + 200 * kSecond, kStart + 300 * kSecond)});
    const std::vector<Charge> all = charges();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].attempt, 0);
    EXPECT_EQ(all[0].disagreement.value(), (Disagreement{0, 40 * kSecond, "no own record"}));
    EXPECT_EQ(bill_of(all[0]).overhead_ms, 8 * 40 * kSecond);
    EXPECT_EQ(all[1].attempt, 1);
}

TEST_F(Matching, CancelledWhilePendingCostsNothing) {
    PastJob never = start("CANCELLED by 1000", kStart, kStart, "");
    PastJob unknown = never;
    unknown.start_s.reset();
    told({never, unknown});
    EXPECT_TRUE(charges().empty());
}

TEST_F(Matching, JobsOfOthersWithTheSameNumberAreNotOurs) {
    write(under_slurm(1, kStart, kStart + kHour));
    PastJob other = start("COMPLETED", kStart, kStart + 9 * kHour);
    other.name = "another";
    told({other});
    EXPECT_EQ(charges().at(0).source, ChargeSource::kOwn);
    EXPECT_EQ(charges().size(), 1u);
}

TEST_F(Matching, ClocksThatDifferALotMakeNoSecondCharge) {
    write(under_slurm(1, kStart + kHour, kStart + 2 * kHour));
    told({start("COMPLETED", kStart, kStart + kHour / 2)});
    const std::vector<Charge> all = charges();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].attempt, 1);
    EXPECT_EQ(all[0].end_ms, kStart + kHour / 2);
    EXPECT_EQ(all[0].disagreement.value(), (Disagreement{kHour, kHour / 2, "clock"}));
}

TEST_F(Matching, NodesThatArePoweredUpStartTheJobAnew) {
    write(under_slurm(1, kStart, std::nullopt));
    told({start("RUNNING", kStart + 300 * kSecond, std::nullopt)}, kStart + kHour);
    const std::vector<Charge> all =
        charges_of(run_, kStart + kHour, {queued("RUNNING", kStart + 300 * kSecond)});
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].start_ms, kStart + 300 * kSecond);
    EXPECT_EQ(bill_of(all).gpu_ms, 8 * (kHour - 300 * kSecond));
}

TEST_F(Matching, WhatNobodyCanBeAskedAboutIsUnknown) {
    write(under_slurm(1, kStart, std::nullopt));
    EXPECT_EQ(charges().at(0).state, "unknown");
    EXPECT_TRUE(charges().at(0).provisional);
}

TEST_F(Matching, SuspendedTimeIsPaidForAndShown) {
    write(under_slurm(1, kStart, kStart + kHour));
    PastJob suspended = start("COMPLETED", kStart, kStart + kHour);
    suspended.suspended_s = 600;
    told({suspended});
    const Charge charge = charges().at(0);
    EXPECT_EQ(bill_of(charge).gpu_ms, 8 * kHour);
    EXPECT_EQ(charge.suspended_ms, 600 * kSecond);
    EXPECT_EQ(charge.disagreement.value(),
              (Disagreement{kHour, kHour - 600 * kSecond, "suspended"}));
}

TEST_F(Matching, DifferencesOfMoreThanOnePercentAreClassed) {
    write(under_slurm(1, kStart + 60 * kSecond, kStart + kHour));
    told({start("COMPLETED", kStart, kStart + kHour)});
    EXPECT_EQ(charges().at(0).disagreement.value(),
              (Disagreement{kHour - 60 * kSecond, kHour, "start-up and clean-up"}));
    write(under_slurm(1, kStart, std::nullopt));
    EXPECT_EQ(charges().at(0).disagreement.value(), (Disagreement{0, kHour, "no own record"}));
}

TEST_F(Matching, RunningStartKeepsItsOwnEnd) {
    write(under_slurm(1, kStart, kStart + 90 * kSecond));
    told({start("RUNNING", kStart, std::nullopt)});
    const Charge charge = charges().at(0);
    EXPECT_EQ(charge.source, ChargeSource::kOwn);
    EXPECT_EQ(charge.end_ms, kStart + 90 * kSecond);
    EXPECT_EQ(charge.user, "ada");
}

TEST_F(Matching, QueueTellsWhatRunsAndSinceWhen) {
    write(under_slurm(1, kStart + 5 * kSecond, std::nullopt));
    const Charge charge = charges_of(run_, kStart + kHour, {queued("RUNNING", kStart)}).at(0);
    EXPECT_EQ(charge.source, ChargeSource::kQueue);
    EXPECT_EQ(charge.start_ms, kStart);
    EXPECT_EQ(charge.end_ms, kStart + kHour);
    EXPECT_TRUE(charge.provisional);
}

TEST_F(Matching, JobThatStartsHasNoAttemptYet) {
    told({start("RUNNING", kStart, std::nullopt)});
    const std::vector<Charge> all =
        charges_of(run_, kStart + 30 * kSecond, {queued("RUNNING", kStart)});
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].attempt, 0);
    EXPECT_EQ(all[0].source, ChargeSource::kQueue);
    EXPECT_EQ(all[0].user, "ada");
    EXPECT_EQ(bill_of(all).gpu_ms, 8 * 30 * kSecond);
}

TEST_F(Matching, GpusThatTheSiteDoesNotTrackAreThoseAskedFor) {
    write(under_slurm(1, kStart, kStart + kHour));
    told({start("COMPLETED", kStart, kStart + kHour, "billing=16,cpu=16,node=1")});
    const Charge charge = charges().at(0);
    EXPECT_EQ(charge.allocated.gpus, 8);
    EXPECT_EQ(charge.gpus_from, "request");
}

TEST_F(Matching, WholeNodesArePaidForAsTheyWereAllocated) {
    AttemptRecord record = under_slurm(1, kStart, kStart + kHour);
    record.gpus = 2;
    write(record);
    told({start("COMPLETED", kStart, kStart + kHour)});
    EXPECT_EQ(bill().gpu_ms, 8 * kHour);
}

TEST_F(Matching, PartsOfGpusAreRefusedAndCostNothing) {
    write(under_slurm(1, kStart, kStart + kHour));
    told(
        {start("COMPLETED", kStart, kStart + kHour, "cpu=16,gres/gpu=1,gres/gpu:1g.5gb=1,node=1")});
    const Charge charge = charges().at(0);
    EXPECT_NE(charge.refused, "");
    EXPECT_EQ(bill_of(charge).gpu_ms, 0);
}

TEST_F(Matching, AllocationThatCannotBeReadIsAnErrorWithItsPlace) {
    write(under_slurm(1, kStart, kStart + kHour));
    told({start("COMPLETED", kStart, kStart + kHour, "gres/gpu=many")});
    const std::string message = message_of([&] { charges(); });
    EXPECT_NE(message.find("accounting.json': the allocation of job 12: "), std::string::npos)
        << message;
}

}  // namespace
}  // namespace r1::testing
