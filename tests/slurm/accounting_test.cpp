// SPDX-License-Identifier: Apache-2.0
#include "slurm/accounting.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "checkpoint/attempt.h"
#include "common/host.h"
#include "common/time.h"
#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kStart = 1'700'000'000'000;

class Accounting : public testing::Test {
  protected:
    AttemptRecord attempt(int number, std::int64_t start, std::optional<std::int64_t> end) {
        AttemptRecord record;
        record.number = number;
        record.launcher = "mpirun";
        record.host = host_name();
        record.boot_id = "of-an-earlier-boot";
        record.launcher_pid = 999'999'999;
        record.ranks = 2;
        record.threads_per_rank = 3;
        record.start_ms = start;
        record.end_ms = end;
        return record;
    }
    void write(const AttemptRecord& record) {
        std::filesystem::create_directories(run_.attempt(record.number));
        write_attempt(run_, record);
    }
    void append_metrics(const std::string& text) {
        std::ofstream(run_.metrics(), std::ios::app) << text << '\n';
    }
    static CostSection prices(const char* gpu, const char* core) {
        CostSection section;
        section.currency = "USD";
        if (gpu != nullptr) section.price_per_gpu_hour = parse_hourly_price(gpu);
        if (core != nullptr) section.price_per_core_hour = parse_hourly_price(core);
        return section;
    }

    TemporaryFolder folder_;
    RunDirectory run_ = create_run(folder_.path(), "r-20261121-202601-x7k2qf", "name: r\n");
};

TEST_F(Accounting, FiveHundredTwelveGpusFor198HoursCostToTheCent) {
    AttemptRecord record = attempt(1, kStart, kStart + 198 * kHour);
    record.ranks = record.gpus = 512;
    record.threads_per_rank = 8;
    write(record);
    const Usage usage = usage_of(run_);
    EXPECT_EQ(usage.gpu_milliseconds, 512 * 198 * kHour);
    EXPECT_EQ(hours_text(usage.gpu_milliseconds), "101376.00");
    EXPECT_EQ(cost_of(usage, prices("2", nullptr))->to_string(), "202752.00");
    EXPECT_EQ(bill_text(usage, prices("2", nullptr)),
              "usage: 512 GPUs x 8d06h = 811008.00 core-hours, 101376.00 GPU-hours, "
              "cost 202752.00 USD at 2.00/GPU-hour");
    EXPECT_FALSE(usage.provisional);
}

TEST_F(Accounting, EveryAttemptCounts) {
    AttemptRecord second = attempt(2, kStart + kHour, kStart + 3 * kHour);
    second.ranks = 4;
    write(attempt(1, kStart, kStart + kHour));
    write(second);
    const Usage usage = usage_of(run_);
    EXPECT_EQ(usage.attempts, 2);
    EXPECT_EQ(usage.wall_milliseconds, 3 * kHour);
    EXPECT_EQ(usage.core_milliseconds, (2 * 3 * 1 + 4 * 3 * 2) * kHour);
    EXPECT_EQ(bill_text(usage, prices(nullptr, "0.05")),
              "usage: 2 attempts, 3h00m = 30.00 core-hours, 0.00 GPU-hours, "
              "cost 1.50 USD at 0.05/core-hour");
}

TEST_F(Accounting, RunningAttemptEndsNow) {
    AttemptRecord record = describe_launcher(::getpid());
    record.number = 1;
    record.launcher = "mpirun";
    record.ranks = record.threads_per_rank = 1;
    record.start_ms = utc_milliseconds() - 10'000;
    write(record);
    const Usage usage = usage_of(run_);
    EXPECT_TRUE(usage.provisional);
    EXPECT_GE(usage.core_milliseconds, 10'000);
    EXPECT_LT(usage.core_milliseconds, 60'000);
}

TEST_F(Accounting, KilledAttemptEndsAtItsLastMetric) {
    write(attempt(1, kStart, std::nullopt));
    append_metrics(R"({"schema":1,"attempt":1,"step":1,"time_ms":1700000005000})");
    append_metrics("damaged");
    append_metrics(R"({"schema":1,"attempt":1,"step":2,"time_ms":1700000007000})");
    const Usage usage = usage_of(run_);
    EXPECT_TRUE(usage.provisional);
    EXPECT_EQ(usage.wall_milliseconds, 7000);
    EXPECT_EQ(usage.core_milliseconds, 42'000);
}

TEST_F(Accounting, KilledAttemptDoesNotTakeTheMetricsOfTheNext) {
    write(attempt(1, kStart, std::nullopt));
    write(attempt(2, kStart + 20'000, kStart + 30'000));
    append_metrics(R"({"schema":1,"attempt":1,"step":1,"time_ms":1700000005000})");
    append_metrics(R"({"schema":1,"attempt":2,"step":2,"time_ms":1700000025000})");
    EXPECT_EQ(usage_of(run_).wall_milliseconds, 15'000);
}

TEST_F(Accounting, KilledLauncherWhoseRanksSavedEndsAtTheirOutcome) {
    write(attempt(1, kStart, std::nullopt));
    write_outcome(run_, 1, {Outcome::kStopped, 3, kStart + 9000});
    EXPECT_EQ(usage_of(run_).wall_milliseconds, 9000);
}

TEST_F(Accounting, UnknownPriceIsUnpricedAndNeverZero) {
    write(attempt(1, kStart, kStart + kHour));
    const Usage cores = usage_of(run_);
    EXPECT_FALSE(cost_of(cores, prices(nullptr, nullptr)).has_value());
    EXPECT_FALSE(cost_of(cores, prices("2", nullptr)).has_value());
    Usage gpus = cores;
    gpus.gpu_milliseconds = kHour;
    EXPECT_FALSE(cost_of(gpus, prices(nullptr, "0.05")).has_value());
    EXPECT_EQ(cost_of(gpus, prices("2", "0.05"))->to_string(), "2.30");
    EXPECT_TRUE(bill_json(cores, prices(nullptr, nullptr))["cost"].is_null());
    EXPECT_EQ(bill_text(cores, prices(nullptr, nullptr)),
              "usage: 2 ranks x 1h00m = 6.00 core-hours, 0.00 GPU-hours, cost unpriced");
}

TEST(HoursText, RoundsHalfUpToTwoDecimals) {
    EXPECT_EQ(hours_text(0), "0.00");
    EXPECT_EQ(hours_text(17'999), "0.00");
    EXPECT_EQ(hours_text(18'000), "0.01");
    EXPECT_EQ(hours_text(7'128'000), "1.98");
    EXPECT_EQ(hours_text(INT64_MAX), "2562047788015.22");
}

}  // namespace
}  // namespace r1
