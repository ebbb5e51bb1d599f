// SPDX-License-Identifier: Apache-2.0
// What the softmax of a row of float logits may be off by when one block of 512 threads computes
// it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "tests/kernels/cuda/backend_fixture.h"

namespace r1::test {

class SoftmaxBounds {
  public:
    SoftmaxBounds(const double* logits, std::int32_t vocab, double temperature)
        : inverse_(temperature == 0 ? 1 : 1 / temperature),
          largest_(*std::max_element(logits, logits + vocab)),
          smallest_(*std::min_element(logits, logits + vocab)),
          terms_of_a_thread_((vocab + 511) / 512 + 4) {
        double sum = 0;
        for (std::int32_t j = 0; j < vocab; ++j) sum += std::exp(scaled(logits[j]));
        log_sum_ = std::log(sum);
    }

    double inverse() const { return inverse_; }
    double scaled(double logit) const { return (logit - largest_) * inverse_; }
    double probability(double logit) const { return std::exp(scaled(logit) - log_sum_); }

    /// Of one weight exp(scaled): 3 roundings of the exponent, relative to it, and expf, which is
    /// off by at most 2 units in the last place.
    double weight() const { return (3 * range() + 4) * kFloatRoundoff; }
    /// Of Σ exp(scaled), relative to it. Each term of a thread may raise its largest logit: the
    /// raises' exponents add up to at most the range, each costs an exponential and 2 products, and
    /// each addition a rounding. The sum over threads is in double.
    double sum() const {
        return weight() + (3 * range() + 7 * terms_of_a_thread_ + 1) * kFloatRoundoff;
    }
    double logprob(double logit) const {
        const double z = scaled(logit);
        return sum() +
               (3 * std::abs(z) + std::abs(log_sum_) + std::abs(z - log_sum_)) * kFloatRoundoff;
    }
    /// Of log Σ − Σ p · scaled: the first term, then the mean of scaled logits of at most the
    /// range, whose numerator and denominator are both off.
    double entropy() const {
        return sum() + 3 * sum() * range() + (range() + log_sum_) * kFloatRoundoff;
    }

  private:
    double range() const { return (largest_ - smallest_) * inverse_; }

    double inverse_, largest_, smallest_;
    double terms_of_a_thread_;
    double log_sum_ = 0;
};

}  // namespace r1::test
