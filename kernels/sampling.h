// SPDX-License-Identifier: Apache-2.0
// The choice of one token, shared by the backends.
#pragma once

#include <cstdint>

#include "kernels/backend.h"

namespace r1 {

/// The first index of the largest value.
template <class T>
std::int32_t most_likely(const T* logits, std::int32_t vocab);

/// Draws one token by inverse transform in the order of ids. weights[j] is proportional to the
/// probability of token j at the rule's temperature, and is overwritten; u is in [0, 1). top_p
/// counts the mass that top_k has left. A token of weight 0 is never drawn. Returns -1 when the
/// weights are not finite or all 0, which is how NaN or infinite logits arrive here.
template <class T>
std::int32_t draw_token(const T* logits, T* weights, std::int32_t vocab, const SamplingRule& rule,
                        double u);

/// Ends the run: row `row` of the logits, whose token is -1, held NaN or infinity.
[[noreturn]] void throw_logits_not_finite(std::int32_t row);

}  // namespace r1
