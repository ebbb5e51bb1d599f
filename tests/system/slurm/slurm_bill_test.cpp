// SPDX-License-Identifier: Apache-2.0
// What a run is charged is what Slurm has booked, start by start and to the second.
#include <signal.h>

#include <string>

#include "common/time.h"
#include "slurm/billing/bill.h"
#include "slurm/billing/ledger.h"
#include "tests/system/processes.h"
#include "tests/system/slurm/on_cluster.h"

namespace r1 {
namespace {

class Billed : public OnCluster {};

/// The ledger of a run that has ended, by the accounting.
LedgerRow ledger_of(const SubmittedRun& one) {
    const auto scheduler = make_slurm_scheduler();
    std::vector<std::string> problems;
    std::vector<LedgerRow> rows =
        read_ledger({one.run()}, scheduler.get(), utc_milliseconds(), problems);
    EXPECT_EQ(problems, std::vector<std::string>{});
    return rows.at(0);
}

Bill expect_as_booked(const SubmittedRun& one, std::size_t starts) {
    // The accounting hears of a start a moment after it.
    one.wait_for(
        "every start in the accounting",
        [&] { return ended_allocations(one.id()).size() >= starts; }, 60);
    const std::vector<JobStart> booked = ended_allocations(one.id());
    const LedgerRow row = ledger_of(one);
    EXPECT_EQ(booked.size(), starts);
    EXPECT_EQ(row.charges.size(), starts);
    EXPECT_FALSE(row.open);
    std::int64_t gpu_seconds = 0;
    std::int64_t core_seconds = 0;
    for (std::size_t i = 0; i < starts; ++i) {
        const Charge& charge = row.charges.at(i);
        EXPECT_EQ(charge.source, ChargeSource::kAccounting);
        EXPECT_EQ(charge.attempt, static_cast<int>(i) + 1);
        EXPECT_EQ(charge.job, booked.at(i).job);
        EXPECT_EQ(charge.start_ms, booked.at(i).start_s * 1000);
        EXPECT_EQ(charge.end_ms, booked.at(i).end_s * 1000);
        EXPECT_EQ(charge.account, "research");
        EXPECT_NE(booked.at(i).tres.find("gres/gpu=2"), std::string::npos) << booked.at(i).tres;
        const std::size_t cores = booked.at(i).tres.find("cpu=") + 4;
        gpu_seconds += 2 * booked.at(i).elapsed_s;
        core_seconds += std::stoll(booked.at(i).tres.substr(cores)) * booked.at(i).elapsed_s;
    }
    const Bill bill = bill_of(row.charges);
    EXPECT_EQ(bill.gpu_ms, gpu_seconds * 1000);
    EXPECT_EQ(bill.core_ms, core_seconds * 1000);
    EXPECT_EQ(bill.useful_ms + bill.lost_ms + bill.overhead_ms, bill.gpu_ms);
    EXPECT_GT(bill.useful_ms, 0);
    EXPECT_FALSE(bill.provisional);
    // Nothing is left to ask, and the answer is in the run.
    EXPECT_EQ(bill_of(charges_of(one.run(), utc_milliseconds())).gpu_ms, bill.gpu_ms);
    EXPECT_EQ(ledger_of(one).charges.size(), starts);
    return bill;
}

/// It goes on under its own id.
void requeued() {
    const SubmittedRun one;
    one.wait_for_step(35);
    slurm({"scontrol", "requeue", std::to_string(one.job())});
    one.expect_completed();
    expect_as_booked(one, 2);
}

/// It goes on as another job, from its newest checkpoint.
void rank_killed() {
    const SubmittedRun one;
    one.wait_for_step(35);
    ::kill(one.rank(1, 1), SIGKILL);
    one.expect_completed();
    EXPECT_GT(expect_as_booked(one, 2).lost_ms, 0);
}

/// Two GPUs at a dollar a second each. One attempt costs at most 120 dollars; the second one stops
/// when the budget of both is used up, and no third follows.
void over_budget() {
    const SubmittedRun one(cluster_recipe(),
                           {"--set", "stages.sft.steps=100000", "--set", "resources.time_limit=1m",
                            "--set", "cost.price_per_gpu_hour=3600", "--set", "cost.budget=150"});
    one.wait_for(
        "the budget to be used up",
        [&] {
            const auto attempt = read_attempt(one.run(), one.run().newest_attempt());
            return attempt && attempt->ending == Ending::kBudget;
        },
        240);
    one.call({"wait"}, 90);
    const AttemptRecord last = one.attempt();
    EXPECT_EQ(last.number, 2);
    EXPECT_EQ(last.goes_on, GoesOn::kNot);
    EXPECT_EQ(last.exit_code, 6);
    EXPECT_GT(last.end_step.value_or(0), last.start_step);
    EXPECT_LT(bill_of(ledger_of(one).charges).cost.at("USD"), Money::of(parse_amount("150")));
    const Transcript again = one.call({"resume"});
    EXPECT_EQ(again.end.exit_code, 6) << again.all();
    EXPECT_NE(again.err.find(" for this = "), std::string::npos) << again.err;
}

TEST_F(Billed, ToTheSecondThroughRequeuesAndFollowUpJobs) {
    at_once({{"requeued", requeued}, {"a rank killed", rank_killed}, {"over budget", over_budget}});
}

}  // namespace
}  // namespace r1
