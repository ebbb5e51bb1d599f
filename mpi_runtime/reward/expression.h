// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace r1 {

/// An arithmetic expression's value as an exact fraction in lowest terms (denominator > 0).
struct Evaluation {
    enum class Outcome {
        kValue,
        kMalformed,  ///< not an expression, or longer or deeper than the limits
        kDivisionByZero,
        kOverflow,  ///< some step does not fit 64 bits
    };
    Outcome outcome = Outcome::kMalformed;
    std::int64_t numerator = 0;
    std::int64_t denominator = 1;
    /// The numbers in it, from left to right. Complete unless malformed.
    std::vector<std::int64_t> numbers;
};

/// Evaluates whole numbers, + - * / (also × and ÷ in UTF-8), brackets and spaces; no signs. At most
/// 1,000 bytes and 50 open brackets, so that no text can exhaust the stack.
Evaluation evaluate(std::string_view expression);

}  // namespace r1
