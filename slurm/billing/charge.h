// SPDX-License-Identifier: Apache-2.0
// What was allocated, from when to when, for what: the unit of every bill. GPU-time is allocated
// GPUs × (end − start), whether they were used or not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "slurm/billing/rate.h"

namespace r1 {

/// Of one start of one job, over all its nodes.
struct Allocation {
    std::int64_t gpus = 0;
    std::int64_t nodes = 0;
    std::int64_t cores = 0;
    std::int64_t billing = -1;  ///< Slurm's billing TRES; -1: not known. A site may weigh with 0
    friend bool operator==(const Allocation&, const Allocation&) = default;
};

/// Where a figure is from.
enum class ChargeSource {
    kOwn,         ///< the run's records alone
    kAccounting,  ///< Slurm's accounting, sacct -D, as the run keeps it
    kQueue,       ///< squeue: the job still runs
};
const char* to_string(ChargeSource source);  ///< "own", "sacct", "squeue"

/// What time went into.
enum class Work {
    kUseful,    ///< reached a kept checkpoint or the end
    kLost,      ///< done again after a kill
    kOverhead,  ///< before the first step, and after the last save
    kUnknown,   ///< nothing tells; a job that is no run of ours
};

/// A part of a charge. Pieces follow each other; what none of them covers is kUnknown.
struct Piece {
    Work work = Work::kOverhead;
    std::string stage;  ///< empty where no step had begun
    std::int64_t start_ms = 0;
    std::int64_t end_ms = 0;
    friend bool operator==(const Piece&, const Piece&) = default;
};

/// Two sources that differ by more than 1% on the GPU-time (core-time without GPUs) of a charge.
struct Disagreement {
    std::int64_t own_ms = 0;    ///< wall time by the run's own records
    std::int64_t other_ms = 0;  ///< by the accounting
    std::string reason;         ///< "start-up and clean-up", "suspended", "clock", "no own record"
    friend bool operator==(const Disagreement&, const Disagreement&) = default;
};

/// One start: an attempt, or a start of a job that came to no attempt.
struct Charge {
    std::string run;  ///< id; of a job that is no run of ours, "job 123"
    std::string recipe;
    std::string user;
    std::string account;
    std::string cluster;
    std::string partition;
    std::string gpu_type;  ///< empty: none or not known; "a100+h100" where there are several
    int attempt = 0;       ///< 0: a start that came to no attempt
    std::int64_t job = 0;  ///< Slurm's id; 0: without Slurm
    std::string state;     ///< "completed", "preempted", "node failed", "running"
    Allocation allocated;
    std::int64_t start_ms = 0;
    std::int64_t end_ms = 0;        ///< now for one that runs
    std::int64_t suspended_ms = 0;  ///< of it; GPUs stay allocated then, and are paid for
    bool provisional = false;       ///< it runs, or its end is inferred
    ChargeSource source = ChargeSource::kOwn;
    std::string gpus_from;  ///< where the number of GPUs is from, if it is not AllocTRES: "request"
    std::vector<Piece> pieces;
    RateSchedule rates;
    std::optional<Disagreement> disagreement;
    std::string refused;  ///< why it cannot be billed: "a MIG slice is not a GPU"; then all is 0
};

/// A part of a charge in which nothing changes: one kind of work, one stage, one rate, one month.
/// Amounts of segments add up to the bill, exactly.
struct Segment {
    Work work = Work::kOverhead;
    std::string stage;
    int month = 0;             ///< 202611, in UTC
    std::optional<Rate> rate;  ///< nullopt: unpriced
    std::int64_t start_ms = 0;
    std::int64_t end_ms = 0;
    friend bool operator==(const Segment&, const Segment&) = default;
};
/// Within [since_ms, until_ms); they cover exactly what the charge has in it.
std::vector<Segment> segments_of(const Charge& charge, std::int64_t since_ms,
                                 std::int64_t until_ms);
std::vector<Segment> segments_of(const Charge& charge);

}  // namespace r1
