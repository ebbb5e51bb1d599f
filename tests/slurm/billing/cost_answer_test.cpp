// SPDX-License-Identifier: Apache-2.0
// Answers of the index against sums of the bills of the charges, which know nothing of it.
#include <gtest/gtest.h>

#include "common/error.h"
#include "slurm/billing/bill.h"
#include "tests/slurm/billing/index_fixture.h"

namespace r1 {
namespace {

using test::IndexedRuns;
using test::text_of;

constexpr std::int64_t kEndless = std::numeric_limits<std::int64_t>::max();

class CostAnswers : public testing::Test, protected IndexedRuns {
  protected:
    CostAnswers() : random_(7) {
        for (int i = 0; i < 12; ++i) {
            const std::string id = "run" + std::to_string(i);
            add(id, random_.of_run(id, i < 2 ? 200 : 1 + static_cast<int>(random_.pick(30))));
        }
        ask();
        taken();
        open = {"run3", "run7"};
        touch(runs[3]);
        touch(runs[7]);
    }

    std::vector<Charge> all() const {
        std::vector<Charge> list;
        for (const auto& [id, of_run] : charges)
            list.insert(list.end(), of_run.begin(), of_run.end());
        return list;
    }
    CostQuestion question(CostKey by) {
        CostQuestion asked;
        asked.by = by;
        if (random_.pick(3) > 0) asked.since_ms = random_.moment();
        if (random_.pick(3) > 0)
            asked.until_ms = std::max(asked.since_ms, random_.moment()) + random_.pick(1'000'000);
        if (random_.pick(4) == 0) asked.user = "user1";
        if (random_.pick(4) == 0) asked.account = "physics";
        return asked;
    }
    static bool matches(const Charge& charge, const CostQuestion& asked) {
        return (asked.user.empty() || charge.user == asked.user) &&
               (asked.account.empty() || charge.account == asked.account);
    }

    /// By the charges themselves: each is cut to the window, and by stage or month cut once more.
    std::map<std::string, Bill> direct(const CostQuestion& asked) const {
        std::map<std::string, Bill> bills;
        for (const Charge& charge : all())
            if (matches(charge, asked)) add_direct(bills, charge, asked);
        return bills;
    }
    static void add_direct(std::map<std::string, Bill>& bills, const Charge& charge,
                           const CostQuestion& asked) {
        const auto add = [&](const std::string& key, const Bill& bill) {
            if (bill.attempts != 0 || bill.wall_ms != 0) bills[key] += bill;
        };
        const Bill whole = bill_of(charge, asked.since_ms, asked.until_ms);
        switch (asked.by) {
            case CostKey::kRun:
                if (asked.asks_for_all()) bills[charge.run];
                return add(charge.run, whole);
            case CostKey::kUser:
                return add(charge.user, whole);
            case CostKey::kRecipe:
                return add(charge.recipe, whole);
            case CostKey::kPartition:
                return add(charge.partition, whole);
            case CostKey::kGpu:
                return add(charge.gpu_type, whole);
            case CostKey::kAccount:
                return add(charge.account, whole);
            case CostKey::kMonth:
                for (int month = 1; month <= 12; ++month) {
                    const auto begin = [](int m) {
                        return m > 12 ? test::at("2027-01-01")
                                      : test::at("2026-" + std::string(m < 10 ? "0" : "") +
                                                 std::to_string(m) + "-01");
                    };
                    const std::int64_t from = std::max(asked.since_ms, begin(month));
                    const std::int64_t to = std::min(asked.until_ms, begin(month + 1));
                    if (from < to) add(std::to_string(202600 + month), bill_of(charge, from, to));
                }
                return;
            case CostKey::kStage:
                break;
        }
    }

    test::RandomCharges random_;
};

TEST_F(CostAnswers, EqualTheSumsOfTheBillsOfTheCharges) {
    for (int round = 0; round < 12; ++round)
        for (const CostKey by :
             {CostKey::kRun, CostKey::kUser, CostKey::kRecipe, CostKey::kPartition, CostKey::kGpu,
              CostKey::kMonth, CostKey::kAccount}) {
            const CostQuestion asked = question(by);
            const std::map<std::string, Bill> expected = direct(asked);
            const CostAnswer found = ask(asked);
            ASSERT_EQ(found.rows.size(), expected.size());
            Bill total;
            for (const CostRow& row : found.rows) {
                ASSERT_TRUE(expected.count(row.key)) << row.key;
                ASSERT_EQ(text_of(row.bill), text_of(expected.at(row.key))) << row.key;
                ASSERT_EQ(row.bill.cost, expected.at(row.key).cost);
                total += row.bill;
            }
            ASSERT_EQ(text_of(found.total.bill), text_of(total));
        }
    EXPECT_TRUE(log.empty()) << log.front();
}

TEST_F(CostAnswers, StagesAddUpToTheWholeBill) {
    for (int round = 0; round < 12; ++round) {
        const CostQuestion asked = question(CostKey::kStage);
        Bill expected;
        for (const Charge& charge : all())
            if (matches(charge, asked)) expected += bill_of(charge, asked.since_ms, asked.until_ms);
        const CostAnswer found = ask(asked);
        Bill total;
        for (const CostRow& row : found.rows) total += row.bill;
        EXPECT_GE(total.attempts, expected.attempts);
        total.attempts = expected.attempts;
        ASSERT_EQ(text_of(total), text_of(expected));
        ASSERT_EQ(text_of(found.total.bill), text_of(expected));
    }
}

TEST_F(CostAnswers, AnAttemptCountsInEachStageThatItWorkedOn) {
    Charge charge = test::charge_of(8, 0, 3000);
    charge.pieces = {{Work::kOverhead, "", 0, 1000},
                     {Work::kUseful, "sft", 1000, 1500},
                     {Work::kUseful, "rl", 1500, 2500},
                     {Work::kLost, "rl", 2500, 3000}};
    charges.clear();
    runs.clear();
    add("one", {charge});
    for (int from_index = 0; from_index < 2; ++from_index) {
        CostQuestion asked;
        asked.by = CostKey::kStage;
        const CostAnswer found = ask(asked);
        ASSERT_EQ(found.rows.size(), 3u);
        EXPECT_EQ(found.rows[0].key, "");
        EXPECT_EQ(found.rows[1].key, "rl");
        EXPECT_EQ(found.rows[1].bill.attempts, 1);
        EXPECT_EQ(found.rows[1].bill.gpu_ms, 12000);
        EXPECT_EQ(found.rows[2].bill.attempts, 1);
        EXPECT_EQ(found.total.bill.attempts, 1);
    }
}

TEST_F(CostAnswers, RemarksAreTheSameFromTheIndex) {
    CostQuestion asked;
    asked.since_ms = test::at("2026-02-01");
    asked.until_ms = test::at("2026-03-01");
    asked.user = "user1";
    const auto texts = [&] {
        std::vector<std::string> list;
        for (const CostRemark& remark : ask(asked).remarks)
            list.push_back(remark.run + "/" + std::to_string(remark.attempt) + remark.refused +
                           (remark.disagreement ? remark.disagreement->reason : ""));
        std::sort(list.begin(), list.end());
        return list;
    };
    const auto from_index = texts();
    settings.folder.reset();
    EXPECT_EQ(from_index, texts());
    EXPECT_FALSE(from_index.empty());
}

TEST_F(CostAnswers, RunsThatCostNothingYetAreRowsUnlessSomethingIsAskedFor) {
    add("new", {});
    const CostAnswer found = ask();
    EXPECT_EQ(found.rows.back().key, "new");
    EXPECT_EQ(found.rows.back().bill.attempts, 0);
    CostQuestion asked;
    asked.user = "user1";
    EXPECT_NE(ask(asked).rows.back().key, "new");
}

TEST_F(CostAnswers, MoneyOfAMillionSegmentsIsExact) {
    // A third of a cent each, which binary fractions cannot hold.
    CostSection prices;
    prices.prices = {test::gpu_price("odd", "0.333333")};
    Charge charge = test::charge_of(1, 0, 36'000);
    charge.rates = rates_of(prices, "", "");
    Vocabulary words;
    const CostQuestion asked;
    CostSum sum(asked, words);
    const NumberedCharge one = numbered(charge, words);
    sum.begin_run(0, "tiny", "");
    for (int i = 0; i < 1'000'000; ++i) {
        Totals totals;
        add_totals(totals, one, words, std::numeric_limits<std::int64_t>::min(), kEndless);
        sum.add(totals);
    }
    // 1e6 x 0.01 h x 0.333333 USD
    EXPECT_EQ(cost_text(sum.answer().total.bill), "3333.33 USD");
}

TEST_F(CostAnswers, ASumThatDoesNotFitIsAnErrorAndNeverAWrongAmount) {
    charges.clear();
    runs.clear();
    add("endless", {test::charge_of(std::int64_t{1} << 40, 0, std::int64_t{1} << 40)});
    EXPECT_THROW(ask(), Error);
}

}  // namespace
}  // namespace r1
