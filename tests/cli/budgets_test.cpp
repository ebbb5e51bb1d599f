// SPDX-License-Identifier: Apache-2.0
// What is refused because it could cost more than is left.
#include "cli/budgets.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "common/host.h"
#include "recipes/load.h"
#include "tests/cli/fake_scheduler.h"

namespace r1::cli {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
const char* const kNew = "tiny-20261121-202601-x7k2qf";
const char* const kOther = "tiny-20261120-101010-abcdef";

class Budgets : public testing::Test, protected SubmittedRuns {
  protected:
    Budgets() {
        ::setenv("XDG_STATE_HOME", (runs() / ".." / "state").c_str(), 1);
        profile_.name = "east";
        profile_.currency = "USD";
        profile_.account = "lab";
        profile_.mpi = "pmix";
        PartitionProfile partition;
        partition.name = "gpu";
        profile_.partitions = {partition};
        prices_.currency = "USD";
        prices_.price_per_core_hour = parse_hourly_price("0.05");
    }

    void add_budget(const std::string& amount, const std::string& user = "",
                    const std::string& account = "", BudgetPeriod period = BudgetPeriod::kTotal) {
        profile_.budgets.push_back({"y26", user, account, parse_amount(amount), "", period});
    }

    /// 16 cores for an hour at 0.05: 0.80.
    void spend(std::int64_t start_ms) {
        const RunDirectory run = create_run(runs(), kOther, kRecipe);
        AttemptRecord record;
        record.number = 1;
        record.launcher = "mpirun";
        record.host = "node1";
        record.boot_id = "x";
        record.user = user_name();
        record.account = "lab";
        record.ranks = 16;
        record.threads_per_rank = 1;
        record.start_ms = start_ms;
        record.end_ms = start_ms + kHourMs;
        record.exit_code = 1;
        std::filesystem::create_directories(run.attempt(1));
        write_attempt(run, record);
    }

    /// 20 cores at 0.05 for an hour that is half over when it runs: 0.50; 1.00 when it waits.
    void commit(const std::string& state) {
        const RunDirectory run = create_run(runs(), "tiny-20261119-000000-qqqqqq", kRecipe);
        JobRecord record;
        record.number = 1;
        record.job = 12;
        record.partition = "gpu";
        record.ranks = 20;
        record.nodes = 1;
        record.paid_cores = 20;
        record.time_limit_s = 3600;
        write_job(run, record);
        write_file_durably(run.cluster(), freeze_profile(profile_));
        queue().jobs.push_back(job(run, state));
        if (state == "RUNNING") queue().jobs.back().left_s = 1800;
    }

    /// 40 cores for an hour at 0.05: 2.00.
    std::string refusal() {
        clear();
        Submission submission{RunDirectory(runs() / kNew), {}, profile_, "r1ctl", "r1ctl-rank", {}};
        submission.recipe.cost = prices_;
        JobPlan plan;
        plan.partition = "gpu";
        plan.nodes = 1;
        plan.paid_cores = 40;
        plan.time_limit_s = 3600;
        Context made = context();
        FakeScheduler scheduler(queue());
        try {
            refuse_over_budget(submission, {plan}, scheduler, made);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::kBudget) << error.what();
            return error.what();
        }
        return "";
    }

    ClusterProfile profile_;
    CostSection prices_;
};

TEST_F(Budgets, WithoutOneNothingIsAsked) {
    EXPECT_EQ(refusal(), "");
    EXPECT_TRUE(queue().calls.empty());
}

TEST_F(Budgets, TheRunsOwnIsRefusedWithTheFigures) {
    prices_.budget = parse_amount("2.00");
    EXPECT_EQ(refusal(), "");
    EXPECT_NE(err().find("warning: 80% is reached"), std::string::npos) << err();
    prices_.budget = parse_amount("1.999999");
    EXPECT_NE(
        refusal().find("cost.budget: 0.00 spent + 0.00 committed + 2.00 for this = 2.00 of 2.00"),
        std::string::npos)
        << refusal();
    prices_.budget = parse_amount("100");
    EXPECT_EQ(refusal(), "");
    EXPECT_EQ(err(), "");
}

TEST_F(Budgets, TheClustersCountsWhatWasSpentRunsAndWaits) {
    spend(utc_milliseconds() - 2 * kHourMs);
    commit("RUNNING");
    add_budget("3.30", user_name());
    EXPECT_EQ(refusal(), "");
    profile_.budgets.clear();
    add_budget("3.29", user_name());
    const std::string text = refusal();
    EXPECT_NE(text.find("budget y26 of cluster east: 0.80 spent + 0.50 committed + 2.00 for this = "
                        "3.30 of 3.29 USD"),
              std::string::npos)
        << text;
    queue().jobs.clear();
    EXPECT_EQ(refusal(), "");
}

TEST_F(Budgets, AWaitingJobCountsWhole) {
    commit("PENDING");
    add_budget("2.99", "", "lab");
    EXPECT_NE(refusal().find("0.00 spent + 1.00 committed"), std::string::npos) << refusal();
}

TEST_F(Budgets, AJobWhoseRecordsAreDamagedIsSaidAndHidesNoOther) {
    commit("PENDING");
    write_file_durably(RunDirectory(runs() / queue().jobs[0].name).job_record(1), "{damaged");
    add_budget("2.00", "", "lab");
    EXPECT_EQ(refusal(), "");
    EXPECT_NE(err().find("note: job 12 of tiny-20261119-000000-qqqqqq is in no budget"),
              std::string::npos)
        << err();
}

TEST_F(Budgets, OfOthersAreNotAsked) {
    add_budget("0.01", "somebody-else");
    add_budget("0.01", "", "other-account");
    EXPECT_EQ(refusal(), "");
}

TEST_F(Budgets, AMonthBeginsAnew) {
    spend(utc_milliseconds() - std::int64_t{40} * 24 * kHourMs);
    add_budget("2.50", "", "lab", BudgetPeriod::kMonth);
    EXPECT_EQ(refusal(), "");
    profile_.budgets.clear();
    add_budget("2.50", "", "lab", BudgetPeriod::kTotal);
    EXPECT_NE(refusal().find("0.80 spent"), std::string::npos) << refusal();
}

TEST_F(Budgets, WhatHasNoPriceIsSaidAndNotRefused) {
    prices_.price_per_core_hour.reset();
    add_budget("0.01", user_name());
    EXPECT_EQ(refusal(), "");
    EXPECT_NE(err().find("does not count this run: its price is not known"), std::string::npos)
        << err();
}

}  // namespace
}  // namespace r1::cli
