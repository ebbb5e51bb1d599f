// SPDX-License-Identifier: Apache-2.0
#include "kernels/adamw_factors.h"

#include <cmath>

namespace r1 {

AdamWFactors::AdamWFactors(const AdamWStep& s)
    : gradient(static_cast<float>(s.gradient_scale)),
      beta1(static_cast<float>(s.beta1)),
      beta2(static_cast<float>(s.beta2)),
      rest1(static_cast<float>(1 - s.beta1)),
      rest2(static_cast<float>(1 - s.beta2)),
      decay(static_cast<float>(s.learning_rate * s.weight_decay)),
      step_size(static_cast<float>(s.learning_rate /
                                   (1 - std::pow(s.beta1, static_cast<double>(s.step))))),
      root(static_cast<float>(1 / std::sqrt(1 - std::pow(s.beta2, static_cast<double>(s.step))))),
      epsilon(static_cast<float>(s.epsilon)) {}

}  // namespace r1
