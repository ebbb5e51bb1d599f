// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/ledger.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/time.h"
#include "slurm/billing/bill.h"
#include "slurm/billing/openness.h"
#include "slurm/billing/run_charges.h"

namespace r1 {

namespace {

/// A run that is being read.
struct Entry {
    RunRecords records;
    bool asks = false;
};

/// What was told before and is not told any more counts on: sites forget old jobs.
AccountingRecord merged(const std::optional<AccountingRecord>& before, std::vector<PastJob> told,
                        std::int64_t now_ms) {
    AccountingRecord record{now_ms, true, std::move(told)};
    if (!before) return record;
    std::vector<PastJob> kept;
    for (const PastJob& old : before->starts) {
        const bool known =
            std::any_of(record.starts.begin(), record.starts.end(), [&](const PastJob& start) {
                return start.id == old.id && start.submit_s == old.submit_s &&
                       start.start_s == old.start_s;
            });
        if (!known && old.start_s && old.end_s) kept.push_back(old);
    }
    record.starts.insert(record.starts.begin(), kept.begin(), kept.end());
    return record;
}

bool has_job(const RunRecords& records, const PastJob& start) {
    if (records.job_record(start.id.number) != nullptr) return true;
    return std::any_of(
        records.attempts.begin(), records.attempts.end(), [&](const AttemptFacts& attempt) {
            return attempt.record.slurm && attempt.record.slurm->job == start.id.number;
        });
}

/// The accounting's answer about all jobs of the runs that ask.
std::optional<std::vector<PastJob>> ask_history(const std::vector<Entry>& entries,
                                                Scheduler& scheduler) {
    std::vector<std::int64_t> ids;
    std::int64_t since_ms = utc_milliseconds();
    for (const Entry& entry : entries) {
        if (!entry.asks) continue;
        for (const JobRecord& job : entry.records.jobs) {
            if (job.job) ids.push_back(*job.job);
            since_ms = std::min(since_ms, job.submit_ms);
        }
        for (const AttemptFacts& attempt : entry.records.attempts) {
            if (!attempt.record.slurm) continue;
            ids.push_back(attempt.record.slurm->job);
            since_ms = std::min(since_ms, attempt.record.start_ms);
        }
    }
    if (ids.empty()) return std::vector<PastJob>{};
    try {
        return scheduler.history(ids, since_ms / 1000);
    } catch (const Error&) {
        return std::nullopt;
    }
}

void keep_answer(const std::optional<std::vector<PastJob>>& history, std::int64_t now_ms,
                 RunRecords& records) {
    std::optional<AccountingRecord>& accounting = records.accounting;
    if (history) {
        std::vector<PastJob> told;
        for (const PastJob& start : *history)
            if (has_job(records, start)) told.push_back(start);
        accounting = merged(accounting, std::move(told), now_ms);
        records.problem.clear();
    } else {
        if (!accounting) accounting.emplace();
        accounting->asked_ms = now_ms;
        accounting->available = false;
    }
    try {
        write_accounting(records.run, *accounting);
    } catch (const Error&) {
        // A run that may only be read is billed all the same.
    }
}

std::vector<QueuedJob> ask_queue(const std::vector<Entry>& entries, Scheduler& scheduler,
                                 std::int64_t now_ms) {
    const bool runs = std::any_of(entries.begin(), entries.end(), [now_ms](const Entry& entry) {
        return !entry.records.jobs.empty() && may_run(entry.records, now_ms);
    });
    if (!runs) return {};
    try {
        return scheduler.queue();
    } catch (const Error&) {
        return {};
    }
}

/// The summary tells of the run's last end: what the accounting has said since goes there too.
void correct_summary(const RunDirectory& run, const Bill& bill) {
    try {
        std::optional<Json> summary = read_record(run.summary(), 1);
        if (!summary || summary->value("usage", Json()) == bill_json(bill)) return;
        (*summary)["usage"] = bill_json(bill);
        write_record(run.summary(), *summary);
    } catch (const std::exception&) {
        // It may only be read, or is damaged; status reads the records then.
    }
}

std::string problem_line(const RunDirectory& run, const std::string& what) {
    return run.run_id() + ": " + what.substr(0, what.find('\n'));
}

}  // namespace

std::vector<Charge> charges_of(const RunDirectory& run, std::int64_t now_ms,
                               const std::vector<QueuedJob>& queue) {
    RunRecords records = read_skeleton(run);
    read_steps(records);
    return run_charges(records, terms_of(run), now_ms, queue);
}

std::vector<Charge> charges_of(const RunDirectory& run, std::int64_t now_ms) {
    return charges_of(run, now_ms, {});
}

bool is_open(const RunDirectory& run, std::int64_t now_ms) {
    return is_open(read_skeleton(run), now_ms);
}

std::vector<LedgerRow> read_ledger(const std::vector<RunDirectory>& runs, Scheduler* scheduler,
                                   std::int64_t now_ms, std::vector<std::string>& problems) {
    std::vector<Entry> entries;
    for (const RunDirectory& run : runs) {
        try {
            entries.push_back({read_skeleton(run), false});
            entries.back().asks =
                scheduler != nullptr && needs_asking(entries.back().records, now_ms);
        } catch (const std::exception& error) {
            problems.push_back(problem_line(run, error.what()));
        }
    }
    // The queue first: what ends between the two questions is told by the second one.
    std::vector<QueuedJob> queue;
    if (scheduler != nullptr) queue = ask_queue(entries, *scheduler, now_ms);
    const bool asks =
        std::any_of(entries.begin(), entries.end(), [](const Entry& entry) { return entry.asks; });
    if (asks) {
        const auto history = ask_history(entries, *scheduler);
        for (Entry& entry : entries)
            if (entry.asks) keep_answer(history, now_ms, entry.records);
    }
    std::vector<LedgerRow> rows;
    for (Entry& entry : entries) {
        RunRecords& records = entry.records;
        if (!records.problem.empty())
            problems.push_back(problem_line(records.run, records.problem));
        try {
            read_steps(records);
            LedgerRow row{records.run, run_charges(records, terms_of(records.run), now_ms, queue),
                          is_open(records, now_ms)};
            if (entry.asks && !may_run(records, now_ms))
                correct_summary(records.run, bill_of(row.charges));
            rows.push_back(std::move(row));
        } catch (const std::exception& error) {
            problems.push_back(problem_line(records.run, error.what()));
        }
    }
    return rows;
}

Bill bill_so_far(const RunDirectory& run) {
    return bill_of(charges_of(run, utc_milliseconds()));
}

}  // namespace r1
