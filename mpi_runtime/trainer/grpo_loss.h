// SPDX-License-Identifier: Apache-2.0
// The GRPO objective by tokens (Shao et al. 2024, eq. 3; DeepSeek-R1, eq. 1-3):
//   loss = Σ_t w_t · ( −min(ρ_t A, clip(ρ_t, 1 − ε_low, 1 + ε_high) A) + β KL_t )
// with ρ_t = exp(logprob_t − old_logprob_t) and w_t from the aggregation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mpi_runtime/model/output_head.h"
#include "recipes/recipe.h"

namespace r1 {

struct ClipRange {
    double low = 0.2;   ///< ε_low; above 1 the lower bound never acts
    double high = 0.2;  ///< ε_high
    double dual = 0;    ///< with A < 0 the loss is at most −dual · A (Ye et al. 2020); 0: off
};

/// One token's loss and its derivative by the log-probability.
struct TokenTerm {
    double value = 0;
    double gradient = 0;
    bool clipped = false;
};
TokenTerm policy_term(double logprob, double old_logprob, double advantage, const ClipRange& clip);

/// KL of policy and reference, estimated on one sampled token (Schulman 2020). k3's gradient is its
/// own derivative, as published; k2's expected gradient is that of KL(policy ‖ reference). k1's own
/// derivative vanishes in expectation, so k1 shows its value and takes k2's gradient. Differences
/// of log-probabilities are clamped to ±20 before they are exponentiated.
TokenTerm kl_term(double logprob, double reference_logprob, KlEstimator estimator);

/// What the loss needs to know of one token, besides its log-probability.
struct GrpoToken {
    double old_logprob = 0;
    double reference_logprob = 0;
    double advantage = 0;
    double weight = 0;  ///< w_t; 0 takes it out of the loss and out of the sums
};

/// Sums over tokens with a weight, for the metrics; they add up over micro-batches and shards.
struct GrpoSums {
    double tokens = 0;
    double policy_loss = 0;  ///< weighted
    double kl_loss = 0;      ///< weighted, before β
    double clipped = 0;
    double entropy = 0;
    double old_minus_new = 0;
    double probability_difference = 0;      ///< Σ |exp(new) − exp(old)|
    double max_probability_difference = 0;  ///< a maximum

    GrpoSums& operator+=(const GrpoSums& other);
};

class GrpoLoss final : public TokenLoss {
  public:
    GrpoLoss(std::vector<GrpoToken> tokens, const ClipRange& clip, double kl_coefficient,
             KlEstimator estimator, GrpoSums& sums)
        : tokens_(std::move(tokens)),
          clip_(clip),
          kl_coefficient_(kl_coefficient),
          estimator_(estimator),
          sums_(sums) {}
    void evaluate(std::size_t first, std::span<const double> logprob,
                  std::span<const double> entropy, std::span<double> gradient) override;

  private:
    std::vector<GrpoToken> tokens_;  // by loss row
    ClipRange clip_;
    double kl_coefficient_;
    KlEstimator estimator_;
    GrpoSums& sums_;
};

/// The weight of each token of a sequence of `length` tokens. `tokens` and `sequences` count what
/// is in the loss of the whole update, over every rank and micro-batch.
double token_weight(Aggregation aggregation, double length, double tokens, double sequences,
                    double max_new_tokens);

}  // namespace r1
