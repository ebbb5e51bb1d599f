// SPDX-License-Identifier: Apache-2.0
// One writer a run directory. The holder's record lies in <run>/writer.json.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint/run_directory.h"

namespace r1 {

/// Who writes to a run.
struct LeaseHolder {
    int attempt = 0;
    std::string host;
    std::int64_t pid = 0;
    std::int64_t start_ticks = 0;  ///< of that pid
    std::string boot_id;
    std::int64_t job = 0;       ///< Slurm's; 0 without
    std::int64_t restarts = 0;  ///< of that job
};
/// "attempt 3 on node2, pid 1234 (job 77)".
std::string describe(const LeaseHolder& holder);

struct LeaseTiming {
    double renew_seconds = 5;
    double watch_seconds = 15;  ///< at least twice as long as the holder's renew_seconds
};

/// Taken by rank 0 before it writes anything; released when destroyed. A thread renews it. Not
/// inherited by a fork.
class Lease {
  public:
    using Timing = LeaseTiming;
    /// Throws Error (kRunFailed) naming the holder when another process has the run. A holder on
    /// this host that has died, and an earlier start of the same Slurm job, give way at once; one
    /// elsewhere is watched for `watch_seconds`: its record's beat moving means that it lives
    /// (clocks of two hosts are never compared).
    Lease(RunDirectory run, LeaseHolder self, Timing timing = {});
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();
    /// Whether the record is still ours: false for good once another process has taken the run
    /// over. Reads the record: call it before each commit. Any thread may.
    bool held();

  private:
    class Holding;
    std::unique_ptr<Holding> holding_;
};

/// Who writes to the run now, if anyone. One that cannot be looked up from this host is watched for
/// `watch_seconds`: without a beat in that time it has died.
std::optional<LeaseHolder> living_holder(const RunDirectory& run, LeaseTiming timing = {});

/// Who holds the run now, if anyone: not a process of this host that has died.
std::optional<LeaseHolder> lease_holder(const RunDirectory& run);

}  // namespace r1
