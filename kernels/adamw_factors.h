// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/operands.h"

namespace r1 {

/// The scalars of one AdamW step (Loshchilov & Hutter 2019, algorithm 2), computed in double: what
/// is the same for every parameter. With g = gradient · the gradient of a parameter p:
///   m = beta1 · m + rest1 · g,  v = beta2 · v + rest2 · g²
///   p -= decay · p + step_size · m / (√v · root + epsilon)
struct AdamWFactors {
    float gradient, beta1, beta2, rest1, rest2, decay, step_size, root, epsilon;

    explicit AdamWFactors(const AdamWStep& step);
};

}  // namespace r1
