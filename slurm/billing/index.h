// SPDX-License-Identifier: Apache-2.0
// Bills of many runs at once, from a cache. The runs are the truth: what the cache does not know,
// or what was written since, is read from them, and without a cache everything is. So it may be
// deleted, damaged, locked or unwritable: the answer is the same, and only later.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/run_directory.h"
#include "slurm/billing/cost_answer.h"
#include "slurm/billing/fingerprint.h"

namespace r1 {

/// What a run has come to, as its records say.
struct ReadRun {
    RunDirectory run;
    std::string state;  ///< as listings show it
    std::vector<Charge> charges;
    bool open = false;  ///< it can still change; then it is read each time
};
/// Reads runs. One that cannot be read is left out, and so it is of the answer.
using ReadRuns = std::function<std::vector<ReadRun>(const std::vector<RunDirectory>&)>;

struct IndexSettings {
    /// nullopt: without a cache.
    std::optional<std::filesystem::path> folder;
    double lock_wait_s = 2;
    /// A run that was written within this time is not stored yet: times of files are coarse, and a
    /// second change within the same tick would go unseen.
    std::int64_t settle_ms = 2000;
};

class CostIndex {
  public:
    /// `log` gets a line for what is wrong with the cache.
    CostIndex(IndexSettings settings, std::function<void(const std::string&)> log)
        : settings_(std::move(settings)), log_(std::move(log)) {}

    /// Each run at most once. Throws Error where a sum does not fit 64 bits, and what `read`
    /// throws; never for the cache.
    CostAnswer answer(const std::vector<RunDirectory>& runs, const CostQuestion& question,
                      const ReadRuns& read);
    /// Throws the cache away.
    void discard();

  private:
    struct Asked;
    void add_stored(Asked& asked);
    std::vector<ReadRun> add_read(Asked& asked, const ReadRuns& read);
    void store(const Asked& asked, const std::vector<ReadRun>& found);
    void go_without(const std::string& reason);

    IndexSettings settings_;
    std::function<void(const std::string&)> log_;
};

}  // namespace r1
