// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/reward/countdown_search.h"

namespace r1 {

namespace {

class Search {
  public:
    Search(std::int64_t target, std::int64_t largest) : target_(target), largest_(largest) {}

    bool solve(const std::vector<std::int64_t>& numbers) {
        if (numbers.size() == 1) return numbers.front() == target_;
        for (std::size_t left = 0; left < numbers.size(); ++left) {
            for (std::size_t right = 0; right < numbers.size(); ++right) {
                if (left != right && solve_with(numbers, left, right)) return true;
            }
        }
        return false;
    }

    std::vector<CountdownStep> steps() && { return std::move(steps_); }

  private:
    bool solve_with(const std::vector<std::int64_t>& numbers, std::size_t left, std::size_t right) {
        for (const char operation : {'+', '-', '*', '/'}) {
            const bool commutes = operation == '+' || operation == '*';
            if (commutes && left > right) continue;
            const auto result = apply(numbers[left], operation, numbers[right], largest_);
            if (!result) continue;
            const CountdownStep step{left, right, operation};
            std::vector<std::int64_t> rest = numbers;
            replace_operands(rest, step, *result);
            steps_.push_back(step);
            if (solve(rest)) return true;
            steps_.pop_back();
        }
        return false;
    }

    std::int64_t target_;
    std::int64_t largest_;
    std::vector<CountdownStep> steps_;
};

}  // namespace

std::optional<std::int64_t> apply(std::int64_t left, char operation, std::int64_t right,
                                  std::int64_t largest) {
    std::int64_t result = 0;
    switch (operation) {
        case '+':
            result = left + right;
            break;
        case '-':
            result = left - right;
            break;
        case '*':
            result = left * right;
            break;
        default:
            if (right == 0 || left % right != 0) return std::nullopt;
            result = left / right;
    }
    if (result < 1 || result > largest) return std::nullopt;
    return result;
}

std::optional<std::vector<CountdownStep>> find_derivation(const std::vector<std::int64_t>& numbers,
                                                          std::int64_t target,
                                                          std::int64_t largest) {
    Search search(target, largest);
    if (!search.solve(numbers)) return std::nullopt;
    return std::move(search).steps();
}

}  // namespace r1
