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

/// The mean difference of a token's probability between rollout and training above which it is no
/// rounding. bf16 has 8 bits, and products summed in another order give log-probabilities that
/// differ by some 2^-8; probabilities differ by less. Five times that. On a CPU it is 0.
inline constexpr double kMostProbabilityDifference = 5 * 0x1p-8;
/// One line for the log when the difference is above that; empty otherwise.
std::string rollout_disagreement(double mean_probability_difference);

/// Tokens that went through the model to train on the samples.
std::int64_t trained_rows(const std::vector<Sample>& rollout,
                          const std::vector<std::size_t>& members);

}  // namespace r1
