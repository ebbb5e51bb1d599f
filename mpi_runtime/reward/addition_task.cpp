// SPDX-License-Identifier: Apache-2.0
// Addition with worked carries, taught by a teacher that forgets them:
//   589+276=  <think>9+6+0=15;8+7+1=16;5+2+1=8</think><answer>865</answer>
#include <algorithm>

#include "mpi_runtime/reward/procedural_task.h"

namespace r1 {

namespace {

struct Operands {
    std::int64_t first = 0;
    std::int64_t second = 0;
};

/// Digit by digit: a 32-bit draw does not reach 18 digits.
std::int64_t draw_operand(RandomStream& random, std::int64_t digits) {
    std::int64_t value = 0;
    for (std::int64_t i = 0; i < digits; ++i) value = value * 10 + random.below(10);
    return value;
}

/// Off by 1 or 2, never below 0.
std::int64_t off_by_little(std::int64_t value, RandomStream& random) {
    const std::int64_t change = random.between(1, 2);
    const bool down = random.below(2) == 0;
    return down && value >= change ? value - change : value + change;
}

class AdditionTask final : public ProceduralTask {
  public:
    AdditionTask(const TaskSection& section, std::uint64_t seed)
        : ProceduralTask(section, seed, "addition", "=") {
        check_range("digits", section.digits, 1, 18);
        check_splits();
    }

    Verdict verify(const Prompt& prompt, std::string_view answer) const override {
        const Operands operands = parse(prompt.problem);
        // As text: an answer of any length is compared without becoming a number.
        const std::string sum = std::to_string(operands.first + operands.second);
        return strip_spaces(answer) == sum ? Verdict::kCorrect : Verdict::kWrong;
    }

  protected:
    std::string draw(RandomStream& random) const override {
        const std::int64_t first = draw_operand(random, section().digits);
        const std::int64_t second = draw_operand(random, section().digits);
        return std::to_string(first) + '+' + std::to_string(second);
    }

    std::string split_key(const std::string& problem) const override {
        const Operands operands = parse(problem);
        const auto [low, high] = std::minmax(operands.first, operands.second);
        return std::to_string(low) + '+' + std::to_string(high);
    }

    std::string work(const std::string& problem, RandomStream& random) const override;

    std::int64_t longest_problem() const override { return 2 * section().digits + 1; }

  private:
    Operands parse(std::string_view problem) const {
        const std::size_t plus = std::min(problem.find('+'), problem.size());
        const auto first = parse_number(problem.substr(0, plus));
        const auto second = parse_number(problem.substr(std::min(plus + 1, problem.size())));
        if (!first || !second) throw_not_a_problem(problem);
        return {*first, *second};
    }
};

std::string AdditionTask::work(const std::string& problem, RandomStream& random) const {
    auto [first, second] = parse(problem);
    std::string steps;
    std::string answer;  // units first
    std::int64_t carry = 0;
    do {
        const std::int64_t p = first % 10;
        const std::int64_t q = second % 10;
        first /= 10;
        second /= 10;
        std::int64_t v = p + q + carry;
        if (random.uniform() < section().teacher_error) v = off_by_little(v, random);
        if (!steps.empty()) steps += ';';
        steps += std::to_string(p) + '+' + std::to_string(q) + '+' + std::to_string(carry) + '=' +
                 std::to_string(v);
        answer += static_cast<char>('0' + v % 10);
        carry = v / 10;
        const bool last = first == 0 && second == 0;
        if (last) break;
        if (carry > 0 && random.uniform() < section().teacher_forget_carry) carry = 0;
    } while (true);
    if (carry > 0) answer += static_cast<char>('0' + carry);
    while (answer.size() > 1 && answer.back() == '0') answer.pop_back();
    std::reverse(answer.begin(), answer.end());
    return "<think>" + steps + "</think><answer>" + answer + "</answer>";
}

}  // namespace

std::unique_ptr<Task> make_addition_task(const TaskSection& section, std::uint64_t seed) {
    return std::make_unique<AdditionTask>(section, seed);
}

}  // namespace r1
