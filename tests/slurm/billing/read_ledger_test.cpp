// SPDX-License-Identifier: Apache-2.0
// When the accounting and the queue are asked, and what is kept of their answers.
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json.h"
#include "tests/slurm/billing/billed_run.h"

namespace r1::testing {
namespace {

class ReadLedger : public BilledRun {
  protected:
    static constexpr std::int64_t kEnd = kStart + kHour;
    static constexpr std::int64_t kLater = kEnd + 2 * kHour;

    /// Whose only attempt was given up at kEnd.
    void ended() {
        write_job_record();
        AttemptRecord record = under_slurm(1, kStart, kEnd);
        record.exit_code = 1;
        record.ending = Ending::kRankFailed;
        write(record);
    }
    std::vector<LedgerRow> read(std::int64_t now_ms) {
        problems_.clear();
        return read_ledger({run_}, &scheduler_, now_ms, problems_);
    }
    std::vector<std::string> problems_;
};

TEST_F(ReadLedger, KeepsWhatTheAccountingSaysAndAsksNoMore) {
    ended();
    scheduler_.past = {start("FAILED", kStart, kEnd + 5 * kSecond)};
    EXPECT_TRUE(is_open(run_, kLater));
    const std::vector<LedgerRow> rows = read(kLater);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_FALSE(rows[0].open);
    EXPECT_EQ(bill_of(rows[0].charges).gpu_ms, 8 * (kHour + 5 * kSecond));
    EXPECT_EQ(scheduler_.asked_ids, (std::vector<std::int64_t>{12, 12}));
    EXPECT_EQ(scheduler_.asked_since_s, kStart / kSecond - 60);
    EXPECT_EQ(read_accounting(run_).value().starts.at(0).allocated, kEightGpus);
    read(kLater + kHour);
    EXPECT_EQ(scheduler_.history_calls, 1);
    EXPECT_EQ(scheduler_.queue_calls, 0);
    EXPECT_FALSE(is_open(run_, kLater));
    EXPECT_EQ(bill(kLater).gpu_ms, 8 * (kHour + 5 * kSecond));
}

TEST_F(ReadLedger, AsksOnceForManyRuns) {
    std::vector<RunDirectory> runs;
    for (int i = 0; i < 20; ++i) {
        const std::string id = "tiny-20261122-2026" + std::to_string(10 + i) + "-x7k2qf";
        const RunDirectory run = create_run(folder_.path(), id, kRecipe);
        JobRecord job;
        job.number = 1;
        job.job = 100 + i;
        job.submit_ms = kStart + i * kHour;
        job.nodes = 1;
        job.paid_cores = 4;
        write_job(run, job);
        runs.push_back(run);
        PastJob past = start("COMPLETED", kStart, kEnd, "cpu=4,node=1");
        past.id.number = 100 + i;
        past.name = id;
        scheduler_.past->push_back(past);
    }
    const auto rows = read_ledger(runs, &scheduler_, kLater, problems_);
    ASSERT_EQ(rows.size(), 20u);
    for (const LedgerRow& row : rows) EXPECT_EQ(bill_of(row.charges).core_ms, 4 * kHour);
    EXPECT_EQ(scheduler_.history_calls, 1);
    EXPECT_EQ(scheduler_.queue_calls, 1);
    EXPECT_EQ(scheduler_.asked_since_s, kStart / kSecond);
}

TEST_F(ReadLedger, LocalRunsAskNobody) {
    write(local(1, kStart, kEnd));
    EXPECT_EQ(read(kLater).size(), 1u);
    EXPECT_EQ(scheduler_.history_calls + scheduler_.queue_calls, 0);
    EXPECT_FALSE(std::filesystem::exists(run_.accounting()));
}

TEST_F(ReadLedger, WithoutAccountingOwnRecordsCountAndItIsAskedAgainLater) {
    ended();
    scheduler_.past.reset();
    EXPECT_EQ(bill_of(read(kLater).at(0).charges).gpu_ms, 8 * kHour);
    EXPECT_FALSE(read_accounting(run_).value().available);
    read(kLater + 60 * kSecond);
    EXPECT_EQ(scheduler_.history_calls, 1);
    scheduler_.past = {start("FAILED", kStart, kEnd + 5 * kSecond)};
    const auto rows = read(kLater + 660 * kSecond);
    EXPECT_EQ(scheduler_.history_calls, 2);
    EXPECT_EQ(bill_of(rows.at(0).charges).gpu_ms, 8 * (kHour + 5 * kSecond));
    EXPECT_TRUE(problems_.empty());
}

TEST_F(ReadLedger, SilentSchedulerIsNoError) {
    ended();
    scheduler_.history_error = "the controller is silent";
    scheduler_.queue_error = "the controller is silent";
    EXPECT_EQ(bill_of(read(kLater).at(0).charges).gpu_ms, 8 * kHour);
    EXPECT_TRUE(problems_.empty());
    EXPECT_EQ(read_ledger({run_}, nullptr, kLater, problems_).size(), 1u);
}

TEST_F(ReadLedger, StartThatTheAccountingNeverHeardOfIsAskedForAnHour) {
    ended();
    read(kEnd + 60 * kSecond);
    EXPECT_TRUE(is_open(run_, kEnd + 61 * kSecond));
    read(kEnd + 120 * kSecond);
    EXPECT_EQ(scheduler_.history_calls, 2);
    read(kLater);
    read(kLater + kHour);
    EXPECT_EQ(scheduler_.history_calls, 3);
    EXPECT_FALSE(is_open(run_, kLater));
}

TEST_F(ReadLedger, RunningRunAsksTheQueueAndIsOpen) {
    write_job_record();
    write(under_slurm(1, kStart, std::nullopt));
    scheduler_.queued = {queued("RUNNING", kStart)};
    scheduler_.past = {start("RUNNING", kStart, std::nullopt)};
    const auto rows = read(kStart + 600 * kSecond);
    EXPECT_EQ(scheduler_.queue_calls, 1);
    EXPECT_TRUE(rows.at(0).open);
    const Charge& charge = rows.at(0).charges.at(0);
    EXPECT_TRUE(charge.provisional);
    EXPECT_EQ(charge.source, ChargeSource::kQueue);
    EXPECT_EQ(charge.allocated.billing, 16);
    EXPECT_EQ(bill_of(charge).gpu_ms, 8 * 600 * kSecond);
}

TEST_F(ReadLedger, StartsThatTheSiteHasForgottenAreKept) {
    ended();
    told({start("FAILED", kStart, kEnd)});
    JobRecord second = read_job(run_, 1).value();
    second.number = 2;
    second.job = 13;
    second.submit_ms = kLater;
    write_job(run_, second);
    PastJob next = start("COMPLETED", kLater, kLater + kHour);
    next.id.number = 13;
    scheduler_.past = {next};
    EXPECT_EQ(bill_of(read(kLater + 2 * kHour).at(0).charges).gpu_ms, 16 * kHour);
    EXPECT_EQ(read_accounting(run_).value().starts.size(), 2u);
}

TEST_F(ReadLedger, DamagedRecordIsAskedForAgainAndReplaced) {
    ended();
    std::ofstream(run_.accounting()) << "{";
    EXPECT_THROW(read_accounting(run_), Error);
    scheduler_.past = {start("FAILED", kStart, kEnd + 5 * kSecond)};
    EXPECT_EQ(bill_of(read(kLater).at(0).charges).gpu_ms, 8 * (kHour + 5 * kSecond));
    EXPECT_TRUE(problems_.empty());
    EXPECT_EQ(read_accounting(run_).value().starts.size(), 1u);
}

TEST_F(ReadLedger, RunThatMayOnlyBeReadIsBilledAllTheSame) {
    ended();
    std::filesystem::create_directory(run_.accounting());  // no file can be put there
    scheduler_.past = {start("FAILED", kStart, kEnd + 5 * kSecond)};
    EXPECT_EQ(bill_of(read(kLater).at(0).charges).gpu_ms, 8 * (kHour + 5 * kSecond));
}

TEST_F(ReadLedger, SummaryLearnsWhatTheAccountingSays) {
    ended();
    write_record(run_.summary(), {{"schema", 1}, {"usage", bill_json(bill(kLater))}});
    scheduler_.past = {start("FAILED", kStart, kEnd + 60 * kSecond)};
    read(kLater);
    const auto summary = read_record(run_.summary(), 1);
    EXPECT_EQ(summary.value().at("usage").at("gpu_ms"), 8 * (kHour + 60 * kSecond));
}

TEST_F(ReadLedger, RecordReadsBackAsWritten) {
    PastJob past = start("CANCELLED by 1000", kStart, kEnd);
    past.comment = "odd \xff";
    past.suspended_s = 7;
    past.exit_code = "0:15";
    PastJob never = past;
    never.start_s = never.end_s = std::nullopt;
    told({past, never}, 5);
    const AccountingRecord record = read_accounting(run_).value();
    EXPECT_EQ(record.asked_ms, 5);
    EXPECT_TRUE(record.available);
    const PastJob& read = record.starts.at(0);
    EXPECT_EQ(read.id, past.id);
    EXPECT_EQ(read.name, past.name);
    EXPECT_EQ(read.state.end, JobEnd::kCancelled);
    EXPECT_EQ(read.user, "ada");
    EXPECT_EQ(read.account, "lab");
    EXPECT_EQ(read.start_s, past.start_s);
    EXPECT_EQ(read.end_s, past.end_s);
    EXPECT_EQ(read.suspended_s, 7);
    EXPECT_EQ(read.exit_code, "0:15");
    EXPECT_FALSE(record.starts.at(1).start_s);
}

}  // namespace
}  // namespace r1::testing
