// SPDX-License-Identifier: Apache-2.0
// The charges of a run: from its own records, from what Slurm's accounting says of its jobs
// (sacct -D, kept in the run as accounting.json once it is known), and from the queue while it
// runs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "checkpoint/run_directory.h"
#include "slurm/billing/charge.h"
#include "slurm/scheduler.h"

namespace r1 {

/// What the accounting has said of all jobs of a run: accounting.json.
struct AccountingRecord {
    std::int64_t asked_ms = 0;
    bool available = false;  ///< false: there is no accounting, or it did not answer
    std::vector<PastJob> starts;
};
void write_accounting(const RunDirectory& run, const AccountingRecord& record);
/// Throws Error when the record is damaged.
std::optional<AccountingRecord> read_accounting(const RunDirectory& run);

/// From records alone, nothing is asked. Each start of a job in the accounting record is matched
/// with the attempt that it came to; times and allocations of matched ones are the accounting's,
/// as those are what the site bills. `now_ms` ends what still runs.
std::vector<Charge> charges_of(const RunDirectory& run, std::int64_t now_ms);
/// Likewise, with jobs of the queue, of this run or of others: those that run end now.
std::vector<Charge> charges_of(const RunDirectory& run, std::int64_t now_ms,
                               const std::vector<QueuedJob>& queue);

/// Whether the run's charges can still change: it runs or may go on, or the accounting has not told
/// the end of one of its starts yet, and may still.
bool is_open(const RunDirectory& run, std::int64_t now_ms);

/// Asks the accounting once for all runs whose record is not complete, and the queue for what still
/// runs; keeps the answers in the runs where they may be written. Returns the charges of each run.
/// `scheduler` may be null: then only records count. Never throws for a scheduler that is silent.
/// `problems` receives a line for each run that could not be read, and its charges are left out.
struct LedgerRow {
    RunDirectory run;
    std::vector<Charge> charges;
    bool open = false;
};
std::vector<LedgerRow> read_ledger(const std::vector<RunDirectory>& runs, Scheduler* scheduler,
                                   std::int64_t now_ms, std::vector<std::string>& problems);

/// The bill of what the run has come to so far, from records alone.
struct Bill;
Bill bill_so_far(const RunDirectory& run);

}  // namespace r1
