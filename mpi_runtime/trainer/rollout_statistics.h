// SPDX-License-Identifier: Apache-2.0
// The figures of a GRPO step. Names follow verl where verl has one (docs/metrics.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mpi_runtime/trainer/rollout_batch.h"
#include "mpi_runtime/trainer/stage.h"

namespace r1 {

/// Wall time by phase, on this rank.
class PhaseTimes {
  public:
    PhaseTimes();
    /// The time since the last call belongs to `phase`.
    void end_phase(const std::string& phase);
    /// "timing_s/<phase>" for each, and the throughput of `tokens` over all of it.
    void append_to(Metrics& metrics, std::int64_t tokens) const;

  private:
    double begin_;
    double last_;
    std::vector<std::pair<std::string, double>> phases_;
};

/// Rewards and lengths over the samples of one update; the share of groups without signal over the
/// whole rollout.
Metrics rollout_metrics(const std::vector<Sample>& rollout, const std::vector<std::size_t>& members,
                        std::int64_t group_size);

/// Tokens that went through the model to train on the samples.
std::int64_t trained_rows(const std::vector<Sample>& rollout,
                          const std::vector<std::size_t>& members);

}  // namespace r1
