// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/reward/expression.h"

#include <numeric>
#include <optional>
#include <utility>

#include "mpi_runtime/reward/procedural_task.h"

namespace r1 {

namespace {

constexpr std::size_t kMostBytes = 1000;
constexpr int kMostOpenBrackets = 50;

using Outcome = Evaluation::Outcome;

struct Fraction {
    std::int64_t numerator = 0;
    std::int64_t denominator = 1;
};

/// expression = term { (+|-) term };  term = factor { (*|/) factor };  factor = number | ( … )
class Parser {
  public:
    explicit Parser(std::string_view text) : rest_(text) {}

    Evaluation run() {
        const Fraction value = expression();
        skip_spaces();
        if (!rest_.empty()) malformed_ = true;
        const Outcome outcome = malformed_ ? Outcome::kMalformed : failure_;
        return {outcome, value.numerator, value.denominator, std::move(numbers_)};
    }

  private:
    Fraction expression() {
        Fraction value = term();
        while (!malformed_) {
            if (take("+")) {
                value = add(value, term(), 1);
            } else if (take("-")) {
                value = add(value, term(), -1);
            } else {
                break;
            }
        }
        return value;
    }

    Fraction term() {
        Fraction value = factor();
        while (!malformed_) {
            if (take("*") || take("\u00d7")) {
                value = multiply(value, factor());
            } else if (take("/") || take("\u00f7")) {
                const Fraction divisor = factor();
                if (divisor.numerator == 0) fail(Outcome::kDivisionByZero);
                value = multiply(value, {divisor.denominator, divisor.numerator});
            } else {
                break;
            }
        }
        return value;
    }

    Fraction factor() {
        if (!take("(")) return number();
        if (++open_brackets_ > kMostOpenBrackets) malformed_ = true;
        if (malformed_) return {};
        const Fraction value = expression();
        if (!take(")")) malformed_ = true;
        --open_brackets_;
        return value;
    }

    Fraction number() {
        skip_spaces();
        const std::size_t end = rest_.find_first_not_of("0123456789");
        const std::string_view digits = rest_.substr(0, end);
        const std::optional<std::int64_t> value = parse_number(digits);
        if (!value) {
            malformed_ = true;
            return {};
        }
        rest_.remove_prefix(digits.size());
        numbers_.push_back(*value);
        return {*value, 1};
    }

    void skip_spaces() {
        while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    }

    bool take(std::string_view symbol) {
        skip_spaces();
        if (!rest_.starts_with(symbol)) return false;
        rest_.remove_prefix(symbol.size());
        return true;
    }

    /// The first failure stands; the parse goes on, to see whether the rest is well formed.
    void fail(Outcome outcome) {
        if (failure_ == Outcome::kValue) failure_ = outcome;
    }

    Fraction lowest_terms(std::int64_t numerator, std::int64_t denominator) {
        // The most negative number has no absolute value.
        if (numerator == INT64_MIN || denominator == INT64_MIN) fail(Outcome::kOverflow);
        if (failure_ != Outcome::kValue) return {};
        if (denominator < 0) {
            numerator = -numerator;
            denominator = -denominator;
        }
        const std::int64_t divisor = std::gcd(numerator, denominator);
        return {numerator / divisor, denominator / divisor};
    }

    Fraction add(Fraction a, Fraction b, std::int64_t sign) {
        std::int64_t left = 0;
        std::int64_t right = 0;
        std::int64_t numerator = 0;
        std::int64_t denominator = 0;
        if (__builtin_mul_overflow(a.numerator, b.denominator, &left) ||
            __builtin_mul_overflow(b.numerator * sign, a.denominator, &right) ||
            __builtin_add_overflow(left, right, &numerator) ||
            __builtin_mul_overflow(a.denominator, b.denominator, &denominator)) {
            fail(Outcome::kOverflow);
        }
        return lowest_terms(numerator, denominator);
    }

    Fraction multiply(Fraction a, Fraction b) {
        std::int64_t numerator = 0;
        std::int64_t denominator = 0;
        if (__builtin_mul_overflow(a.numerator, b.numerator, &numerator) ||
            __builtin_mul_overflow(a.denominator, b.denominator, &denominator)) {
            fail(Outcome::kOverflow);
        }
        return lowest_terms(numerator, denominator);
    }

    std::string_view rest_;
    std::vector<std::int64_t> numbers_;
    int open_brackets_ = 0;
    bool malformed_ = false;
    Outcome failure_ = Outcome::kValue;
};

}  // namespace

Evaluation evaluate(std::string_view expression) {
    if (expression.size() > kMostBytes) return {};
    return Parser(expression).run();
}

}  // namespace r1
