// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/openness.h"

#include <algorithm>

#include "slurm/billing/matching.h"

namespace r1 {

namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;
/// The accounting hears of an end seconds later, and hours later when its database was down: what
/// it does not know an hour after the end, when asked, it will not know.
constexpr std::int64_t kTellsWithin = kHour;
constexpr std::int64_t kAskAgainAfter = 10 * kMinute;
/// So long a cluster that has no accounting, or whose is down, may get it back.
constexpr std::int64_t kReturnsWithin = 7 * 24 * kHour;

bool was_submitted(const RunRecords& records) {
    return !records.jobs.empty() || std::any_of(records.attempts.begin(), records.attempts.end(),
                                                [](const AttemptFacts& attempt) {
                                                    return attempt.record.slurm.has_value();
                                                });
}

bool has_ended(const RunRecords& records, const JobRecord& job) {
    const PastJob* last = nullptr;  // they are oldest first
    for (const PastJob& start : records.accounting->starts)
        if (start.id.number == job.job && is_of(start, records)) last = &start;
    return last != nullptr && last->state.phase == JobPhase::kEnded && last->end_s;
}

/// Whether the accounting has told the end of every start there was, and of every job.
bool all_told(const RunRecords& records) {
    if (!was_submitted(records)) return true;
    if (!records.accounting) return false;
    for (const JobRecord& job : records.jobs)
        if (job.job && !has_ended(records, job)) return false;
    const Matched matched = match_starts(records);
    for (std::size_t i = 0; i < records.attempts.size(); ++i) {
        const PastJob* start = matched.of_attempt[i];
        if (records.attempts[i].record.slurm && (start == nullptr || !start->end_s)) return false;
    }
    return true;
}

std::int64_t last_known_time(const RunRecords& records) {
    std::int64_t last = 0;
    for (const JobRecord& job : records.jobs) last = std::max(last, job.submit_ms);
    for (const AttemptFacts& attempt : records.attempts) {
        last = std::max({last, attempt.record.start_ms, attempt.record.end_ms.value_or(0)});
        if (attempt.outcome) last = std::max(last, attempt.outcome->end_ms);
    }
    if (records.accounting)
        for (const PastJob& start : records.accounting->starts)
            last = std::max(last, start.end_s.value_or(0) * 1000);
    return last;
}

/// Queued again by hand after its newest attempt.
bool has_newer_job(const RunRecords& records) {
    const JobRecord& job = records.jobs.back();
    const AttemptRecord& attempt = records.attempts.back().record;
    return job.number > attempt.job && job.submit_ms > attempt.start_ms && job.problem.empty();
}

}  // namespace

bool may_run(const RunRecords& records, std::int64_t now_ms) {
    const AttemptRecord* newest =
        records.attempts.empty() ? nullptr : &records.attempts.back().record;
    if (!was_submitted(records))
        return newest != nullptr && !newest->end_ms &&
               (records.state == RunState::kRunning || records.state == RunState::kUnknown);
    if (records.state == RunState::kCompleted || all_told(records)) return false;
    if (newest == nullptr || records.state == RunState::kRunning ||
        records.state == RunState::kQueued)
        return true;
    if (!records.jobs.empty() && has_newer_job(records)) return true;
    if (newest->ending) return *newest->ending == Ending::kNextJob;
    return !newest->end_ms && (!newest->deadline_ms || now_ms < *newest->deadline_ms + kHour);
}

bool needs_asking(const RunRecords& records, std::int64_t now_ms) {
    if (all_told(records)) return false;
    if (!records.accounting) return true;
    const AccountingRecord& accounting = *records.accounting;
    if (!accounting.available) return now_ms - accounting.asked_ms > kAskAgainAfter;
    return may_run(records, now_ms) ||
           accounting.asked_ms < last_known_time(records) + kTellsWithin;
}

bool is_open(const RunRecords& records, std::int64_t now_ms) {
    if (may_run(records, now_ms)) return true;
    if (all_told(records)) return false;
    const std::int64_t last = last_known_time(records);
    if (!records.accounting || !records.accounting->available)
        return now_ms < last + kReturnsWithin;
    return records.accounting->asked_ms < last + kTellsWithin;
}

}  // namespace r1
