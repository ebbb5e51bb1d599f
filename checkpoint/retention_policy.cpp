// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <set>

#include "checkpoint/retention.h"

namespace r1 {
namespace {

using Facts = std::vector<RetentionFact>;

constexpr std::size_t kNewerThanResumed = 2;

std::size_t places(std::int64_t count, std::int64_t least) {
    return static_cast<std::size_t>(std::max(count, least));
}

Facts verified_newest_first(const Facts& facts) {
    Facts list;
    for (const RetentionFact& fact : facts)
        if (fact.verified) list.push_back(fact);
    std::sort(list.begin(), list.end(),
              [](const RetentionFact& a, const RetentionFact& b) { return a.step > b.step; });
    return list;
}

// Of verified ones, by the policy's metric.
Facts best_of(const Facts& newest_first, const RetentionPolicy& policy) {
    Facts list;
    for (const RetentionFact& fact : newest_first)
        if (fact.metric && std::isfinite(*fact.metric)) list.push_back(fact);
    std::stable_sort(list.begin(), list.end(), [&](const RetentionFact& a, const RetentionFact& b) {
        return policy.best_is_highest ? *a.metric > *b.metric : *a.metric < *b.metric;
    });
    list.resize(std::min(list.size(), places(policy.keep_best, 0)));
    return list;
}

// How many verified ones are newer.
std::size_t newer_than(const Facts& newest_first, std::int64_t step) {
    return static_cast<std::size_t>(
        std::count_if(newest_first.begin(), newest_first.end(),
                      [&](const RetentionFact& fact) { return fact.step > step; }));
}

}  // namespace

std::vector<std::int64_t> surplus(const Facts& facts, const RetentionPolicy& policy,
                                  std::optional<std::int64_t> resumed_from) {
    const Facts verified = verified_newest_first(facts);
    if (verified.empty()) return {};
    const std::size_t last = places(policy.keep_last, 1);
    std::set<std::int64_t> best;
    for (const RetentionFact& fact : best_of(verified, policy)) best.insert(fact.step);

    std::vector<std::int64_t> list;
    for (const RetentionFact& fact : facts) {
        const std::size_t newer = newer_than(verified, fact.step);
        const bool nth =
            fact.verified && policy.keep_every > 0 && fact.step % policy.keep_every == 0;
        const bool resumed = fact.step == resumed_from && newer < kNewerThanResumed;
        if (newer >= last && !fact.keep && !nth && !resumed && !best.contains(fact.step))
            list.push_back(fact.step);
    }
    std::sort(list.begin(), list.end());
    return list;
}

std::vector<std::int64_t> relied_on(const Facts& facts, const RetentionPolicy& policy,
                                    std::optional<std::int64_t> resumed_from) {
    const Facts verified = verified_newest_first(facts);
    const std::size_t newest =
        std::max(places(policy.keep_last, 1), resumed_from ? kNewerThanResumed : 0);
    std::set<std::int64_t> steps;
    for (std::size_t i = 0; i < std::min(newest, verified.size()); ++i)
        steps.insert(verified[i].step);
    for (const RetentionFact& fact : best_of(verified, policy)) steps.insert(fact.step);
    return {steps.rbegin(), steps.rend()};
}

}  // namespace r1
