// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "checkpoint/retention.h"

namespace r1 {
namespace {

using Facts = std::vector<RetentionFact>;
using Steps = std::vector<std::int64_t>;

Facts verified(const Steps& steps) {
    Facts facts;
    for (const std::int64_t step : steps) facts.push_back({step, true, false, std::nullopt});
    return facts;
}

TEST(Surplus, KeepsTheLastTheNthTheMarkedAndTheBest) {
    Facts facts = verified({1, 2, 3, 4, 5, 6, 7, 8});
    facts[1].keep = true;
    for (RetentionFact& fact : facts) fact.metric = fact.step == 3 ? 9 : 1;
    RetentionPolicy policy;
    EXPECT_EQ(surplus(facts, policy, std::nullopt), (Steps{1, 3, 4, 5, 6}));
    policy.keep_every = 4;
    EXPECT_EQ(surplus(facts, policy, std::nullopt), (Steps{1, 3, 5, 6}));
    policy.keep_best = 1;
    policy.best_metric = "reward";
    EXPECT_EQ(surplus(facts, policy, std::nullopt), (Steps{1, 5, 6}));
    policy.best_is_highest = false;  // of many equal ones the newest
    EXPECT_EQ(surplus(facts, policy, std::nullopt), (Steps{1, 3, 5, 6}));
    EXPECT_EQ(surplus(facts, policy, 5), (Steps{1, 3, 5, 6}));
    EXPECT_EQ(surplus(facts, {.keep_last = 1, .best_metric = {}}, 7), (Steps{1, 3, 4, 5, 6}));
}

struct Case {
    Facts facts;
    RetentionPolicy policy;
    std::optional<std::int64_t> resumed_from;
};

Case random_case(std::mt19937& random) {
    const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
    Case one;
    std::set<std::int64_t> steps;
    for (int i = below(12); i >= 0; --i) steps.insert(below(40));
    for (const std::int64_t step : steps) {
        RetentionFact fact{step, below(4) > 0, below(6) == 0, std::nullopt};
        if (below(4) > 0) fact.metric = below(5) == 0 ? std::nan("") : below(6);
        one.facts.push_back(fact);
    }
    std::shuffle(one.facts.begin(), one.facts.end(), random);
    one.policy.keep_last = below(5) - 1;
    one.policy.keep_every = below(8) - 1;
    one.policy.keep_best = below(4) - 1;
    one.policy.best_metric = "reward";
    one.policy.best_is_highest = below(2) == 0;
    if (below(2) == 0) one.resumed_from = below(40);
    return one;
}

// What the header promises, one fact at a time.
void expect_promises(const Case& one, const Steps& list) {
    const std::set<std::int64_t> removed(list.begin(), list.end());
    ASSERT_EQ(removed.size(), list.size());
    EXPECT_TRUE(std::is_sorted(list.begin(), list.end()));
    const auto count = [&](auto condition) {
        return std::count_if(one.facts.begin(), one.facts.end(), condition);
    };
    const std::int64_t last = std::max<std::int64_t>(1, one.policy.keep_last);
    if (!list.empty()) {
        EXPECT_GT(
            count([&](const RetentionFact& f) { return f.verified && !removed.contains(f.step); }),
            0);
    }
    for (const RetentionFact& fact : one.facts) {
        const auto newer =
            count([&](const RetentionFact& f) { return f.verified && f.step > fact.step; });
        const auto better = count([&](const RetentionFact& f) {
            if (!f.verified || !f.metric || !fact.metric || std::isnan(*f.metric)) return false;
            const double gain = (*f.metric - *fact.metric) * (one.policy.best_is_highest ? 1 : -1);
            return gain > 0 || (gain == 0 && f.step > fact.step);
        });
        const bool best = fact.verified && fact.metric && !std::isnan(*fact.metric) &&
                          better < one.policy.keep_best;
        const bool nth =
            fact.verified && one.policy.keep_every > 0 && fact.step % one.policy.keep_every == 0;
        const bool resumed = fact.step == one.resumed_from && newer < 2;
        const bool stays = fact.keep || newer < last || best || nth || resumed;
        EXPECT_EQ(removed.contains(fact.step), !stays) << fact.step;
    }
}

TEST(Surplus, KeepsItsPromisesOnRandomFactsAndPolicies) {
    std::mt19937 random(7);
    int removed = 0;
    for (int i = 0; i < 20000; ++i) {
        const Case one = random_case(random);
        const Steps list = surplus(one.facts, one.policy, one.resumed_from);
        removed += static_cast<int>(list.size());
        expect_promises(one, list);
        if (HasFailure()) FAIL() << "case " << i;
    }
    EXPECT_GT(removed, 10000);
}

// Assumes of every unread one that it verifies, reads what is relied on, and so on: the answer is
// that of one who has read everything, but that a damaged one may stay as an Nth.
TEST(Surplus, ReadingOnlyWhatIsReliedOnRemovesNothingMore) {
    std::mt19937 random(8);
    for (int i = 0; i < 5000; ++i) {
        const Case one = random_case(random);
        Case guess = one;
        for (RetentionFact& fact : guess.facts) fact.verified = true;
        bool sure = false;
        while (!sure) {
            sure = true;
            for (const std::int64_t step : relied_on(guess.facts, guess.policy, guess.resumed_from))
                for (std::size_t k = 0; k < one.facts.size(); ++k)
                    if (one.facts[k].step == step && !one.facts[k].verified) {
                        guess.facts[k].verified = false;
                        sure = false;
                    }
        }
        const Steps all = surplus(one.facts, one.policy, one.resumed_from);
        const Steps lazy = surplus(guess.facts, guess.policy, guess.resumed_from);
        EXPECT_TRUE(std::includes(all.begin(), all.end(), lazy.begin(), lazy.end())) << i;
        for (const std::int64_t step : all)
            EXPECT_TRUE(std::count(lazy.begin(), lazy.end(), step) == 1 ||
                        (one.policy.keep_every > 0 && step % one.policy.keep_every == 0))
                << i;
    }
}

}  // namespace
}  // namespace r1
