// SPDX-License-Identifier: Apache-2.0
// Bills of runs of which nothing is known but what they wrote themselves.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/time.h"
#include "tests/slurm/billing/billed_run.h"

namespace r1::testing {
namespace {

using OwnRecords = BilledRun;

TEST_F(OwnRecords, FiveHundredTwelveGpusFor198HoursCostToTheCent) {
    price("price_per_gpu_hour: 2");
    AttemptRecord record = local(1, kStart, kStart + 198 * kHour);
    record.ranks = record.gpus = 512;
    record.threads_per_rank = 8;
    write(record);
    const Bill bill = this->bill();
    EXPECT_EQ(bill.gpu_ms, 512 * 198 * kHour);
    EXPECT_EQ(hours_text(bill.gpu_ms), "101376.00");
    EXPECT_EQ(cost_text(bill), "202752.00 USD");
    EXPECT_FALSE(bill.provisional);
}

TEST_F(OwnRecords, EveryAttemptCounts) {
    AttemptRecord second = local(2, kStart + kHour, kStart + 3 * kHour);
    second.ranks = 4;
    write(local(1, kStart, kStart + kHour));
    write(second);
    const Bill bill = this->bill();
    EXPECT_EQ(bill.attempts, 2);
    EXPECT_EQ(bill.wall_ms, 3 * kHour);
    EXPECT_EQ(bill.core_ms, (2 * 3 * 1 + 4 * 3 * 2) * kHour);
    EXPECT_EQ(cost_text(bill), "1.50 USD");
}

TEST_F(OwnRecords, RunningAttemptEndsNow) {
    AttemptRecord record = describe_launcher(::getpid());
    record.number = 1;
    record.launcher = "mpirun";
    record.ranks = record.threads_per_rank = 1;
    record.start_ms = kStart;
    write(record);
    const std::vector<Charge> all = charges(kStart + 10 * kSecond);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_TRUE(all[0].provisional);
    EXPECT_EQ(all[0].state, "running");
    EXPECT_EQ(all[0].user, user_name());
    EXPECT_EQ(bill_of(all).core_ms, 10 * kSecond);
}

TEST_F(OwnRecords, KilledAttemptEndsAtItsLastMetric) {
    write(local(1, kStart, std::nullopt));
    step(1, 1, kStart + 15 * kSecond);
    std::ofstream(run_.metrics(), std::ios::app) << "damaged\n";
    step(1, 2, kStart + 27 * kSecond);
    const Bill bill = this->bill();
    EXPECT_TRUE(bill.provisional);
    EXPECT_EQ(bill.wall_ms, 27 * kSecond);
    EXPECT_EQ(charges()[0].state, "interrupted");
}

TEST_F(OwnRecords, KilledAttemptEndsAtItsLastEvaluation) {
    write(local(1, kStart, std::nullopt));
    std::ofstream(run_.evaluations())
        << R"({"step":0,"when":"start","time_ms":1700000004000})" << '\n';
    EXPECT_EQ(bill().wall_ms, 4 * kSecond);
}

TEST_F(OwnRecords, KilledAttemptDoesNotTakeTheMetricsOfTheNext) {
    write(local(1, kStart, std::nullopt));
    write(local(2, kStart + 50 * kSecond, kStart + 70 * kSecond));
    step(1, 1, kStart + 15 * kSecond);
    step(2, 2, kStart + 65 * kSecond);
    EXPECT_EQ(bill().wall_ms, 35 * kSecond);
}

TEST_F(OwnRecords, KilledLauncherWhoseRanksSavedEndsAtTheirOutcome) {
    write(local(1, kStart, std::nullopt));
    write_outcome(run_, 1, {Outcome::kStopped, 3, kStart + 9 * kSecond});
    EXPECT_EQ(bill().wall_ms, 9 * kSecond);
}

TEST_F(OwnRecords, UnknownPriceIsUnpricedAndNeverZero) {
    write(local(1, kStart, kStart + kHour));
    price("price_per_gpu_hour: 2");
    EXPECT_EQ(cost_text(bill()), "unpriced");
    EXPECT_TRUE(bill_json(bill()).at("cost").is_null());
    AttemptRecord gpus = local(1, kStart, kStart + kHour);
    gpus.gpus = 1;
    write(gpus);
    EXPECT_EQ(cost_text(bill()), "2.00 USD");
    price("price_per_core_hour: 0.05");
    EXPECT_EQ(cost_text(bill()), "unpriced");
    price("price_per_gpu_hour: 2\n  price_per_core_hour: 0.05");
    EXPECT_EQ(cost_text(bill()), "2.30 USD");
}

TEST_F(OwnRecords, OfAJobSayThatTheGpusAreThoseAskedFor) {
    write_job_record();
    write(under_slurm(1, kStart, kStart + kHour));
    const Charge charge = charges().at(0);
    EXPECT_EQ(charge.source, ChargeSource::kOwn);
    EXPECT_EQ(charge.allocated, (Allocation{8, 1, 16, -1}));
    EXPECT_EQ(charge.gpus_from, "request");
    EXPECT_EQ(charge.gpu_type, "h800");
    EXPECT_EQ(charge.user, "own-user");
    EXPECT_EQ(charge.account, "own-account");
}

TEST_F(OwnRecords, PrologueTellsTypeAndNumberOfGpus) {
    price(
        "prices:\n    - name: a\n      gpu_type: h100\n      currency: USD\n      per_gpu_hour: 3");
    write_job_record("");
    write(under_slurm(1, kStart, kStart + kHour));
    std::filesystem::create_directories(run_.attempt_node(1, "node1").parent_path());
    std::ofstream(run_.attempt_node(1, "node1"))
        << R"({"schema":1,"gpus":[{"name":"NVIDIA H100 80GB HBM3"}],"slurm_gpus_on_node":"8"})";
    const Charge charge = charges().at(0);
    EXPECT_EQ(charge.gpus_from, "prologue");
    EXPECT_EQ(charge.gpu_type, "h100");
    EXPECT_EQ(cost_text(bill_of(charge)), "24.00 USD");
}

TEST_F(OwnRecords, RecipeThatCannotBeReadIsAnError) {
    write(local(1, kStart, kStart + kHour));
    std::ofstream(run_.recipe(), std::ios::trunc) << "name: [";
    EXPECT_THROW(charges(), Error);
    std::vector<std::string> problems;
    EXPECT_TRUE(read_ledger({run_}, nullptr, kStart, problems).empty());
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_NE(problems[0].find(run_.run_id() + ": "), std::string::npos) << problems[0];
}

}  // namespace
}  // namespace r1::testing
