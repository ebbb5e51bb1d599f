// SPDX-License-Identifier: Apache-2.0
// What has become of a run, in lines for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/attempt.h"
#include "slurm/run_view.h"

namespace r1::cli {

/// "attempt 3 on node[1-2], job 12, from step 120".
std::string attempt_text(const AttemptRecord& attempt);

/// "attempt 2: time limit; goes on by itself (queued again)"; empty while it runs.
std::string ending_text(const AttemptRecord& attempt);

/// One line about how the run is: "waits in the queue (job 12): Priority; expected to start 14:05
/// CET (in 2h10m)", "runs (job 12 on node[1-2])", "stopped at step 120".
std::string state_text(const RunView& view, std::int64_t now_s);

/// The newest attempt's record; nullopt when there is none that can be read.
std::optional<AttemptRecord> newest_attempt_record(const RunDirectory& run);

/// What to type next, for each state and kind of run.
std::string next_for(const RunView& view);

/// Tells a run's changes once each.
class RunStory {
  public:
    /// The lines that are new since the last call. An expected start that moves by less than ten
    /// minutes is no news.
    std::vector<std::string> changes(const RunView& view, std::int64_t now_s);

  private:
    std::string state_;
    std::optional<std::int64_t> start_s_;
    int attempt_ = 0;  ///< of which the beginning was told
    int ended_ = 0;    ///< of which the end was told
    bool first_ = true;
};

}  // namespace r1::cli
