// SPDX-License-Identifier: Apache-2.0
// What `r1ctl cost` prints, for runs whose records are written by hand and for jobs of sacct.
#include "cli/commands/cost.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/commands/cost_table.h"
#include "cli/run.h"
#include "common/json.h"
#include "tests/cli/fake_scheduler.h"

namespace r1::cli {
namespace {

constexpr std::int64_t kStart = 1'769'860'800'000;  // 2026-01-31T12:00:00Z
constexpr std::int64_t kHour = 3'600'000;
const char* const kId = "tiny-20260131-120000-x7k2qf";
const char* const kOther = "tiny-20260131-120000-b3c4d5";

const char* const kHeading =
    "JobID|JobName|State|User|Account|Cluster|Partition|Start|End|Suspended|AllocTRES\n";

class Cost : public testing::Test, protected SubmittedRuns {
  protected:
    Cost() {
        ::setenv("R1CTL_RUNS", runs().c_str(), 1);
        ::setenv("XDG_STATE_HOME", (folder_ / "state").c_str(), 1);
        ::setenv("R1CTL_CLUSTERS", (folder_ / "clusters.yaml").c_str(), 1);
        std::ofstream(folder_ / "clusters.yaml") << R"(clusters:
  - name: east
    currency: USD
    partitions:
      - name: gpu
        gpu_type: h800
        gpus_per_node: 8
    prices:
      - name: old
        per_gpu_hour: 2.00
      - name: new
        effective_from: 2026-02-01
        per_gpu_hour: 2.50
      - name: west
        partition: west
        currency: EUR
        per_gpu_hour: 3.00
      - name: none
        partition: free
)";
    }

    /// Two ranks of three cores.
    RunDirectory run(const std::string& id, const std::vector<std::int64_t>& hours) {
        const RunDirectory made = create_run(runs(), id, kRecipe);
        std::int64_t start = kStart;
        for (std::size_t i = 0; i < hours.size(); ++i) {
            AttemptRecord record;
            record.number = static_cast<int>(i) + 1;
            record.launcher = "mpirun";
            record.host = "elsewhere";
            record.boot_id = "x";
            record.launcher_pid = 999'999'999;
            record.ranks = 2;
            record.threads_per_rank = 3;
            record.start_ms = start;
            record.end_ms = start += hours[i] * kHour;
            record.exit_code = 0;
            std::filesystem::create_directories(made.attempt(record.number));
            write_attempt(made, record);
            write_outcome(made, record.number, {Outcome::kCompleted, 7, *record.end_ms});
        }
        return made;
    }
    int cost(CostOptions options = {}) {
        clear();
        options.runs = runs();
        Context made = context();
        return run_cost(options, made);
    }
    int of_file(const std::string& lines, CostOptions options = {}) {
        options.sacct = folder_ / "sacct.txt";
        std::ofstream(options.sacct) << kHeading << lines;
        return cost(options);
    }
    bool said(const std::string& text) const { return out().find(text) != std::string::npos; }

    TemporaryFolder folder_;
};

const char* const kJobs =
    "1|a|COMPLETED|ann|physics|east|gpu|1769860800|1769868000|00:00:00|"
    "cpu=64,gres/gpu=8,gres/gpu:h800=8,node=1\n"
    "1.batch|batch|COMPLETED|||east||1769860800|1769868000|00:00:00|cpu=64,node=1\n"
    "2|b|PREEMPTED|bob|chem|east|west|1769860800|1769864400|00:10:00|cpu=8,gres/gpu=4,node=1\n"
    "3|c|FAILED|bob|chem|east|free|1769860800|1769864400|00:00:00|cpu=8,gres/gpu=1,node=1\n";

TEST_F(Cost, TableOfRunsHasATotal) {
    run(kId, {1, 2});
    run(kOther, {1});
    EXPECT_EQ(cost(), 0);
    // 2 ranks x 3 cores x 3 hours at 0.05
    EXPECT_TRUE(said("18.00")) << out();
    EXPECT_TRUE(said("0.90 USD")) << out();
    EXPECT_TRUE(said("0.30 USD")) << out();
    EXPECT_TRUE(said("1.20 USD")) << out();
    EXPECT_TRUE(said("0.05/core-hour")) << out();
    EXPECT_TRUE(said("per_core")) << out();
    EXPECT_TRUE(said(std::string("next: r1ctl cost ") + kId + " --explain\n")) << out();
    EXPECT_EQ(err(), "");
}

TEST_F(Cost, NoRunsSayWhatToDo) {
    EXPECT_EQ(cost(), 0);
    EXPECT_EQ(out(), "nothing was used\nnext: r1ctl status\n");
}

TEST_F(Cost, TheIndexIsKeptAndCanBeMadeAnew) {
    run(kId, {1});
    cost();
    const std::string first = out();
    std::ofstream(folder_ / "state" / "r1ctl" / "index.seal") << "damaged";
    CostOptions options;
    options.rebuild = true;
    EXPECT_EQ(cost(options), 0);
    EXPECT_EQ(out(), first);
    EXPECT_EQ(err(), "");
}

TEST_F(Cost, ADamagedRunIsALineAndHidesNoOther) {
    run(kId, {1});
    std::ofstream(run(kOther, {1}).attempt_record(1)) << "{damaged";
    EXPECT_EQ(cost(), 0);
    EXPECT_TRUE(said("0.30 USD")) << out();
    EXPECT_NE(err().find(std::string(kOther) + ": "), std::string::npos) << err();
}

TEST_F(Cost, TwoCurrenciesAreNeverAddedAndUnpricedIsNotZero) {
    EXPECT_EQ(of_file(kJobs), 0);
    EXPECT_TRUE(said("32.00 USD")) << out();
    EXPECT_TRUE(said("12.00 EUR")) << out();
    EXPECT_FALSE(said("44.00")) << out();
    EXPECT_FALSE(said("0.00 USD")) << out();
    const std::string total = out().substr(out().find("\ntotal"));
    EXPECT_NE(total.find("12.00 EUR\n"), std::string::npos) << total;
    EXPECT_NE(total.find("32.00 USD\n"), std::string::npos) << total;
    EXPECT_NE(total.find("unpriced\n"), std::string::npos) << total;
    EXPECT_NE(total.find("21.00"), std::string::npos) << total;
}

TEST_F(Cost, RowsByEachKey) {
    CostOptions options;
    options.by = CostKey::kUser;
    EXPECT_EQ(of_file(kJobs, options), 0);
    EXPECT_TRUE(out().starts_with("user ")) << out();
    EXPECT_TRUE(said("\nann ")) << out();
    EXPECT_TRUE(said("12.00 EUR + unpriced")) << out();
    options.by = CostKey::kMonth;
    of_file(kJobs, options);
    EXPECT_TRUE(said("\n2026-01 ")) << out();
    options.by = CostKey::kRun;
    options.account = "physics";
    of_file(kJobs, options);
    EXPECT_FALSE(said("job 2")) << out();
}

TEST_F(Cost, AWindowCutsToTheMoment) {
    CostOptions options;
    options.since = "2026-01-31T13:59:59Z";
    options.until = "2026-02-01";
    options.json = true;
    EXPECT_EQ(of_file(kJobs, options), 0);
    const Json json = Json::parse(out());
    EXPECT_EQ(json.at("schema"), 1);
    EXPECT_EQ(json.at("rows").size(), 1u);
    EXPECT_EQ(json.at("rows").at(0).at("key"), "job 1");
    EXPECT_EQ(json.at("total").at("bill").at("gpu_ms"), 8000);
    EXPECT_EQ(json.at("total").at("bill").at("attempts"), 0);
    EXPECT_EQ(json.at("since_ms"), 1'769'867'999'000);
}

TEST_F(Cost, NothingTellsWhatOtherJobsDid) {
    of_file(
        "1|a|COMPLETED|ann|physics|east|gpu|1769860800|1769868000|00:00:00|"
        "cpu=64,gres/gpu=8,node=1\n");
    EXPECT_NE(out().find("16.00       -     -         -"), std::string::npos) << out();
}

TEST_F(Cost, CsvQuotesAndDefuses) {
    CostOptions options;
    options.csv = true;
    options.by = CostKey::kRecipe;
    of_file(
        "1|=1+1,\"x\"|COMPLETED|ann|physics|east|gpu|1769860800|1769868000|00:00:00|"
        "cpu=64,gres/gpu=8,node=1\n",
        options);
    EXPECT_TRUE(out().starts_with("recipe,recipes,state,attempts,")) << out();
    EXPECT_TRUE(said("\r\n\"'=1+1,\"\"x\"\"\",")) << out();
    EXPECT_TRUE(said(",57600000,460800000,")) << out();
    EXPECT_TRUE(said(",32.00,USD,no,per_gpu,sacct,no\r\n")) << out();
    for (const char* text : {"+1", "-1", "@x", "=x"})
        EXPECT_EQ(csv_cell(text), "'" + std::string(text));
    EXPECT_EQ(csv_cell("a b"), "a b");
}

TEST_F(Cost, CsvHasALineForEachCurrencyOfARow) {
    CostOptions options;
    options.csv = true;
    options.by = CostKey::kMonth;
    of_file(kJobs, options);
    std::istringstream lines(out());
    std::string line;
    std::vector<std::int64_t> commas;
    while (std::getline(lines, line)) commas.push_back(std::count(line.begin(), line.end(), ','));
    EXPECT_EQ(commas, (std::vector<std::int64_t>{23, 23, 23})) << out();
}

TEST_F(Cost, ExplainSplitsAtAPriceChangeAndRoundsOnce) {
    CostOptions options;
    options.explain = true;
    EXPECT_EQ(of_file("7|a|COMPLETED|ann|physics|east|gpu|1769900400|1769907600|00:05:00|"
                      "cpu=64,gres/gpu=512,gres/gpu:h800=512,node=64\n",
                      options),
              0);
    EXPECT_EQ(out(),
              "start 1: job 7, attempt 1, COMPLETED; times by the accounting (sacct)\n"
              "  start        2026-01-31T23:00:00Z = 1769900400\n"
              "  end          2026-02-01T01:00:00Z = 1769907600\n"
              "  end - start  7200 s, nothing is taken off: suspended for 300 s, in which the GPUs "
              "stayed allocated (sacct's Elapsed leaves them out)\n"
              "  x 512 GPUs h800 (AllocTRES) = 3686400 GPU-seconds\n"
              "  2026-01-31T23:00:00Z to 2026-02-01T00:00:00Z, 3600 s used, price old\n"
              "    3600 s x 512 GPU = 1843200 GPU-seconds x 2.00 USD = 3686400 USD-seconds; so far "
              "3686400\n"
              "  2026-02-01T00:00:00Z to 2026-02-01T01:00:00Z, 3600 s used, price new\n"
              "    3600 s x 512 GPU = 1843200 GPU-seconds x 2.50 USD = 4608000 USD-seconds; so far "
              "8294400\n"
              "total\n"
              "  3686400 GPU-seconds / 3600 = 1024.00 GPU-hours\n"
              "  460800 core-seconds / 3600 = 128.00 core-hours\n"
              "  8294400 USD-seconds / 3600 = 2304.00 USD\n"
              "rounding: once, here, half up to two decimals; every line above is exact\n"
              "compare: TZ=UTC sacct -D -X -j 7 "
              "--format=JobID,State,Start,End,ElapsedRaw,Suspended,AllocTRES%80\n");
}

TEST_F(Cost, RefusedJobsAreNamedWithTheReason) {
    EXPECT_EQ(of_file("9|a|COMPLETED|ann|physics|east|gpu|1769860800|1769868000|00:00:00|"
                      "cpu=8,gres/gpu:a100_1g.5gb=2,node=1\n"),
              0);
    EXPECT_TRUE(err().starts_with("job 9, attempt 1 is not in the bill: ")) << err();
}

TEST_F(Cost, DiffShowsBothBillsAndWhatMayBeWhy) {
    run(kId, {1, 2});
    run(kOther, {1});
    CostOptions options;
    options.diff = {kOther, kId};
    EXPECT_EQ(cost(options), 0);
    EXPECT_TRUE(said("difference")) << out();
    EXPECT_TRUE(said("0.30")) << out();
    EXPECT_TRUE(said("+0.60")) << out();
    EXPECT_TRUE(said("+200.0%")) << out();
    options.diff = {kId, kId};
    EXPECT_THROW(cost(options), Error);
}

TEST_F(Cost, TimesMayBeDaysMomentsOrAgo) {
    EXPECT_EQ(parse_cost_time("--since", "2026-01-31", 0), kStart - 12 * kHour);
    EXPECT_EQ(parse_cost_time("--since", "2026-01-31T12:00:00Z", 0), kStart);
    EXPECT_EQ(parse_cost_time("--since", "24h ago", kStart), kStart - 24 * kHour);
    EXPECT_EQ(parse_cost_time("--since", "7d", kStart), kStart - 7 * 24 * kHour);
    try {
        parse_cost_time("--since", "yesterday", 0);
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ExitCode::kUsage);
        EXPECT_STREQ(e.what(),
                     "--since: 'yesterday' is not a time; write 2026-01-31, 2026-01-31T12:00:00Z "
                     "(UTC), or '7d ago'");
    }
}

TEST_F(Cost, WrongUseIsRefused) {
    const auto code = [&](std::vector<const char*> words) {
        std::ostringstream out;
        std::ostringstream err;
        words.insert(words.begin(), {"r1ctl", "cost"});
        return cli::run(static_cast<int>(words.size()), words.data(), out, err);
    };
    EXPECT_EQ(code({"--by", "colour"}), 2);
    EXPECT_EQ(code({"--json", "--csv"}), 2);
    EXPECT_EQ(code({"--explain"}), 2);
    EXPECT_EQ(code({"--cluster", "east"}), 2);
    EXPECT_EQ(code({"--sacct", "/nowhere", "run"}), 2);
    EXPECT_EQ(code({"--since", "2026-02-01", "--until", "2026-01-01"}), 2);
    EXPECT_EQ(code({"--diff", "one"}), 2);
    EXPECT_EQ(code({"nothing-like-it"}), 2);
    EXPECT_EQ(code({"--by", "month"}), 0);
}

}  // namespace
}  // namespace r1::cli
