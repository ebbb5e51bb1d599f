// SPDX-License-Identifier: Apache-2.0
// All records of a run that its charges follow from, read once. Folder-private.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/attempt.h"
#include "checkpoint/job.h"
#include "slurm/billing/ledger.h"

namespace r1 {

/// A line of metrics.jsonl. One that is there was kept, or is of the newest attempt.
struct StepLine {
    int attempt = 0;
    std::int64_t step = 0;  ///< over all stages
    std::string stage;
    std::int64_t begin_ms = 0;
    std::int64_t end_ms = 0;
};

struct AttemptFacts {
    AttemptRecord record;
    std::optional<OutcomeRecord> outcome;
    std::optional<RanksBeginning> beginning;
    std::vector<StepLine> lines;  ///< of this attempt, by their time
    /// Of the checkpoint from which the run went on after it, or would: what the last later attempt
    /// to look so far back went on from. Without a later one it is the newest checkpoint.
    std::int64_t kept_step = 0;
};

struct RunRecords {
    RunDirectory run;
    RunState state = RunState::kUnknown;
    std::vector<AttemptFacts> attempts;  ///< in order
    std::vector<JobRecord> jobs;         ///< in order
    std::optional<AccountingRecord> accounting;
    std::string problem;  ///< why the accounting's record could not be read; it can be had again
    std::map<std::int64_t, std::string> stage_of;  ///< by step
    std::vector<std::int64_t> evaluated_ms;        ///< when evaluations were done

    const JobRecord* job_record(std::int64_t id) const;
    /// The job's record of an attempt under Slurm; null without one.
    const JobRecord* job_of(const AttemptRecord& attempt) const;
};

/// Attempts, jobs and the accounting, without what the ranks wrote of their steps. Throws Error
/// when a record is damaged.
RunRecords read_skeleton(const RunDirectory& run);
/// Adds what metrics and evaluations tell.
void read_steps(RunRecords& records);

/// The end of an attempt whose launcher was killed: the newest time that its records hold. `before`
/// is when the next attempt began, or now.
std::int64_t inferred_end(const RunRecords& records, const AttemptFacts& attempt,
                          std::int64_t before);

}  // namespace r1
