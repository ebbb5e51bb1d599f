// SPDX-License-Identifier: Apache-2.0
// Countdown: reach a target from given numbers, each used exactly once:
//   3 7 25=>46:  <think>3*7=21;25+21=46</think><answer>25+(3*7)</answer>
#include <algorithm>
#include <array>

#include "mpi_runtime/reward/countdown_search.h"
#include "mpi_runtime/reward/expression.h"
#include "mpi_runtime/reward/procedural_task.h"

namespace r1 {

namespace {

constexpr std::array<char, 4> kOperations = {'+', '-', '*', '/'};
/// The worked solution is searched for, and each further number takes 40 times as long: 6 take some
/// milliseconds.
constexpr std::int64_t kMostNumbers = 6;
/// So that the product of two results fits 64 bits.
constexpr std::int64_t kMostDigits = 6;

struct Problem {
    std::vector<std::int64_t> numbers;
    std::int64_t target = 0;
};

/// A number or a part of the expression that has become one.
struct Term {
    std::string text;
    std::int64_t value = 0;
};

std::int64_t power_of_ten(std::int64_t exponent) {
    std::int64_t power = 1;
    for (std::int64_t i = 0; i < exponent; ++i) power *= 10;
    return power;
}

/// Another operation that can be done on these operands, or the right one when there is none.
char other_operation(std::int64_t left, char right_one, std::int64_t right, std::int64_t largest,
                     RandomStream& random) {
    std::vector<char> candidates;
    for (const char operation : kOperations) {
        if (operation != right_one && apply(left, operation, right, largest)) {
            candidates.push_back(operation);
        }
    }
    if (candidates.empty()) return right_one;
    return candidates[random.below(static_cast<std::uint32_t>(candidates.size()))];
}

class CountdownTask final : public ProceduralTask {
  public:
    CountdownTask(const TaskSection& section, std::uint64_t seed)
        : ProceduralTask(section, seed, "countdown", ":") {
        check_range("digits", section.digits, 1, kMostDigits);
        check_range("min_items", section.min_items, 2, kMostNumbers);
        check_range("max_items", section.max_items, section.min_items, kMostNumbers);
        largest_ = power_of_ten(section.digits + 2);
        check_splits();
    }

    Verdict verify(const Prompt& prompt, std::string_view answer) const override;

  protected:
    std::string draw(RandomStream& random) const override;
    std::string work(const std::string& problem, RandomStream& random) const override;

    std::int64_t longest_problem() const override {
        const std::int64_t digits_of_largest = section().digits + 3;
        return section().max_items * (section().digits + 1) + 1 + digits_of_largest;
    }

  private:
    Problem parse(std::string_view problem) const;

    std::int64_t largest_ = 0;  ///< of a result on the way, and of the target
};

/// Draws numbers, then combines them at random until one is left: that one can be reached.
std::string CountdownTask::draw(RandomStream& random) const {
    const std::int64_t count = random.between(section().min_items, section().max_items);
    std::vector<std::int64_t> numbers;
    for (std::int64_t i = 0; i < count; ++i) {
        numbers.push_back(random.between(1, power_of_ten(section().digits) - 1));
    }
    std::sort(numbers.begin(), numbers.end());
    std::string problem;
    for (const std::int64_t number : numbers) problem += std::to_string(number) + ' ';
    problem.back() = '=';
    while (numbers.size() > 1) {
        const auto left = random.below(static_cast<std::uint32_t>(numbers.size()));
        auto right = random.below(static_cast<std::uint32_t>(numbers.size() - 1));
        if (right >= left) ++right;
        const CountdownStep step{left, right, kOperations[random.below(4)]};
        const auto result = apply(numbers[left], step.operation, numbers[right], largest_);
        if (result) replace_operands(numbers, step, *result);
    }
    return problem + '>' + std::to_string(numbers.front());
}

Problem CountdownTask::parse(std::string_view problem) const {
    Problem parsed;
    const std::size_t arrow = problem.find("=>");
    if (arrow == problem.npos) throw_not_a_problem(problem);
    const auto target = parse_number(problem.substr(arrow + 2));
    if (!target) throw_not_a_problem(problem);
    parsed.target = *target;
    std::string_view rest = problem.substr(0, arrow);
    while (true) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        const auto number = parse_number(rest.substr(0, end));
        const bool fits = number && *number <= largest_ &&
                          parsed.numbers.size() < static_cast<std::size_t>(kMostNumbers);
        if (!fits) throw_not_a_problem(problem);
        parsed.numbers.push_back(*number);
        if (end == rest.size()) return parsed;
        rest.remove_prefix(end + 1);
    }
}

/// The flawed teacher takes another operation in a step and goes on from there, so that its answer
/// follows from its steps and misses the target.
std::string CountdownTask::work(const std::string& problem, RandomStream& random) const {
    const Problem parsed = parse(problem);
    const auto derivation = find_derivation(parsed.numbers, parsed.target, largest_);
    if (!derivation) throw_not_a_problem(problem);
    std::vector<Term> terms;
    for (const std::int64_t number : parsed.numbers)
        terms.push_back({std::to_string(number), number});
    std::string steps;
    for (CountdownStep step : *derivation) {
        const Term left = terms[step.left];
        const Term right = terms[step.right];
        const bool possible = apply(left.value, step.operation, right.value, largest_).has_value();
        if (!possible || random.uniform() < section().teacher_error) {
            step.operation =
                other_operation(left.value, step.operation, right.value, largest_, random);
        }
        const auto result = apply(left.value, step.operation, right.value, largest_);
        if (!result) break;  // after a flaw there may be no way on
        if (!steps.empty()) steps += ';';
        steps += std::to_string(left.value) + step.operation + std::to_string(right.value) + '=' +
                 std::to_string(*result);
        const bool last = terms.size() == 2;
        std::string text = left.text + step.operation + right.text;
        replace_operands(terms, step, Term{last ? text : '(' + text + ')', *result});
    }
    return "<think>" + steps + "</think><answer>" + terms.back().text + "</answer>";
}

Verdict CountdownTask::verify(const Prompt& prompt, std::string_view answer) const {
    Problem parsed = parse(prompt.problem);
    Evaluation evaluation = evaluate(strip_spaces(answer));
    using Outcome = Evaluation::Outcome;
    if (evaluation.outcome == Outcome::kMalformed) return Verdict::kWrong;
    std::sort(parsed.numbers.begin(), parsed.numbers.end());
    std::sort(evaluation.numbers.begin(), evaluation.numbers.end());
    if (evaluation.numbers != parsed.numbers) return Verdict::kWrong;
    // Only an expression of exactly the given numbers that we cannot compute is our failure.
    if (evaluation.outcome == Outcome::kOverflow) return Verdict::kError;
    const bool reached = evaluation.outcome == Outcome::kValue && evaluation.denominator == 1 &&
                         evaluation.numerator == parsed.target;
    return reached ? Verdict::kCorrect : Verdict::kWrong;
}

}  // namespace

std::unique_ptr<Task> make_countdown_task(const TaskSection& section, std::uint64_t seed) {
    return std::make_unique<CountdownTask>(section, seed);
}

}  // namespace r1
