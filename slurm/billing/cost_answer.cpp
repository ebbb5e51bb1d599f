// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/cost_answer.h"

#include <algorithm>

#include "slurm/billing/share.h"

namespace r1 {

namespace {

void accumulate(std::int64_t& sum, std::int64_t amount) {
    sum = exact_sum(sum, amount);
}

void accumulate(std::int64_t& sum, std::int64_t count, std::int64_t wall_ms) {
    accumulate(sum, exact_product(count, wall_ms));
}

void add_to_bill(Bill& bill, const ChargeKind& kind, const Rate* rate, const TotalKey& key,
                 const TotalSums& sums) {
    const Allocation& allocated = kind.allocated;
    accumulate(bill.wall_ms, sums.wall_ms);
    accumulate(bill.gpu_ms, allocated.gpus, sums.wall_ms);
    accumulate(bill.core_ms, allocated.cores, sums.wall_ms);
    accumulate(bill.node_ms, allocated.nodes, sums.wall_ms);
    accumulate(bill.billing_ms, std::max<std::int64_t>(0, allocated.billing), sums.wall_ms);
    const std::int64_t devices = devices_of(allocated);
    if (key.work == Work::kUseful) accumulate(bill.useful_ms, devices, sums.wall_ms);
    if (key.work == Work::kLost) accumulate(bill.lost_ms, devices, sums.wall_ms);
    if (key.work == Work::kOverhead) accumulate(bill.overhead_ms, devices, sums.wall_ms);
    accumulate(bill.suspended_ms, sums.suspended_ms);
    bill.provisional = bill.provisional || kind.provisional;
    if (sums.wall_ms == 0) return;
    if (rate != nullptr && prices_all(*rate, allocated))
        bill.cost[rate->currency] += cost_of(*rate, allocated, sums.wall_ms);
    else
        bill.unpriced = true;
}

}  // namespace

bool CostQuestion::asks_for_all() const {
    const CostQuestion all;
    return since_ms == all.since_ms && until_ms == all.until_ms && user.empty() && account.empty();
}

void CostSum::begin_run(std::size_t place, const std::string& name, const std::string& state) {
    run_ = static_cast<std::int64_t>(place);
    runs_[run_] = {name, state};
    // A run that has cost nothing yet is a row all the same.
    if (question_.by == CostKey::kRun && question_.asks_for_all()) sums_[run_];
}

bool CostSum::asks_for(const ChargeKind& kind) const {
    return (question_.user.empty() || vocabulary_.text(kind.user) == question_.user) &&
           (question_.account.empty() || vocabulary_.text(kind.account) == question_.account);
}

void CostSum::add(const Totals& totals) {
    for (const auto& [key, sums] : totals) add(key, sums);
}

void CostSum::add(const TotalKey& key, const TotalSums& sums) {
    if (!asks_for(vocabulary_.kind(key.kind))) return;
    const bool by_stage = question_.by == CostKey::kStage;
    add_to(sums_[number_of_key(key)], key, sums, by_stage ? sums.stage_attempts : sums.attempts);
    add_to(total_, key, sums, sums.attempts);
}

void CostSum::add_to(Sum& sum, const TotalKey& key, const TotalSums& sums, std::int64_t attempts) {
    const Rate* rate = key.rate == Vocabulary::kNoRate ? nullptr : &vocabulary_.rate(key.rate);
    accumulate(sum.row.bill.attempts, attempts);
    add_to_bill(sum.row.bill, vocabulary_.kind(key.kind), rate, key, sums);
    if (sum.last_run != run_) ++sum.row.runs;
    sum.last_run = run_;
    if (sum.last_kind != key.kind) sum.kinds.insert(key.kind);
    sum.last_kind = key.kind;
    if (rate != nullptr && sum.last_rate != key.rate) sum.rates.insert(key.rate);
    sum.last_rate = key.rate;
}

std::int64_t CostSum::number_of_key(const TotalKey& key) const {
    const ChargeKind& kind = vocabulary_.kind(key.kind);
    switch (question_.by) {
        case CostKey::kRun:
            return run_;
        case CostKey::kUser:
            return kind.user;
        case CostKey::kRecipe:
            return kind.recipe;
        case CostKey::kStage:
            return key.stage;
        case CostKey::kPartition:
            return kind.partition;
        case CostKey::kGpu:
            return kind.gpu_type;
        case CostKey::kMonth:
            return key.month;
        case CostKey::kAccount:
            return kind.account;
    }
    return 0;
}

std::string CostSum::name_of_key(std::int64_t number) const {
    if (question_.by == CostKey::kRun) return runs_.at(number).first;
    if (question_.by == CostKey::kMonth) return std::to_string(number);
    return vocabulary_.text(static_cast<int>(number));
}

CostRow CostSum::finished(Sum& sum) const {
    for (const int number : sum.kinds) {
        const ChargeKind& kind = vocabulary_.kind(number);
        sum.row.recipes.insert(vocabulary_.text(kind.recipe));
        sum.row.gpus.insert(kind.allocated.gpus);
        sum.row.sources.insert(kind.source);
        if (kind.allocated.gpus > 0) sum.row.gpu_types.insert(vocabulary_.text(kind.gpu_type));
        if (kind.gpus_from != 0) sum.row.gpus_from.insert(vocabulary_.text(kind.gpus_from));
    }
    for (const int number : sum.rates) sum.row.rates.push_back(vocabulary_.rate(number));
    return std::move(sum.row);
}

CostAnswer CostSum::answer() {
    CostAnswer answer;
    for (auto& [number, sum] : sums_) {
        answer.rows.push_back(finished(sum));
        answer.rows.back().key = name_of_key(number);
        if (question_.by != CostKey::kRun) continue;
        answer.rows.back().state = runs_.at(number).second;
        answer.rows.back().runs = 1;
    }
    if (question_.by != CostKey::kRun)
        std::sort(answer.rows.begin(), answer.rows.end(),
                  [](const CostRow& a, const CostRow& b) { return a.key < b.key; });
    answer.total = finished(total_);
    answer.remarks = std::move(remarks_);
    return answer;
}

void add_charges(CostSum& sum, const std::vector<Charge>& charges, const CostQuestion& question,
                 Vocabulary& vocabulary) {
    Totals totals;
    for (const Charge& charge : charges) {
        const NumberedCharge made = numbered(charge, vocabulary);
        if (charge.refused.empty())
            add_totals(totals, made, vocabulary, question.since_ms, question.until_ms);
        const bool within = charge.start_ms < question.until_ms &&
                            std::max(charge.end_ms, charge.start_ms + 1) > question.since_ms;
        if (!within || !sum.asks_for(vocabulary.kind(made.kind))) continue;
        if (const auto remark = remark_of(charge)) sum.add(*remark);
    }
    sum.add(totals);
}

std::optional<CostRemark> remark_of(const Charge& charge) {
    if (charge.refused.empty() && !charge.disagreement) return std::nullopt;
    return CostRemark{charge.run, charge.attempt, charge.job, charge.disagreement, charge.refused};
}

}  // namespace r1
