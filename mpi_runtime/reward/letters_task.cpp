// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/reward/letters_task.h"

#include <vector>

namespace r1 {

namespace {

constexpr std::size_t kMostLetters = 64;

/// A letter that differs from the right one, or the right one when there is no other.
std::size_t other_letter(std::string_view letters, std::size_t right, RandomStream& random) {
    std::vector<std::size_t> candidates;
    for (std::size_t i = 0; i < letters.size(); ++i) {
        if (letters[i] != letters[right]) candidates.push_back(i);
    }
    if (candidates.empty()) return right;
    return candidates[random.below(static_cast<std::uint32_t>(candidates.size()))];
}

}  // namespace

LettersTask::LettersTask(const TaskSection& section, std::uint64_t seed, std::string_view name)
    : ProceduralTask(section, seed, name, "="), start_(std::string(name) + ':') {
    check_range("min_items", section.min_items, 1, kMostLetters);
    check_range("max_items", section.max_items, section.min_items, kMostLetters);
}

std::string LettersTask::draw(RandomStream& random) const {
    std::string problem = start_;
    const std::int64_t count = random.between(section().min_items, section().max_items);
    for (std::int64_t i = 0; i < count; ++i) problem += static_cast<char>('a' + random.below(26));
    return problem;
}

std::string_view LettersTask::letters_of(std::string_view problem) const {
    if (!problem.starts_with(start_)) throw_not_a_problem(problem);
    const std::string_view letters = problem.substr(start_.size());
    const bool valid = !letters.empty() && letters.size() <= kMostLetters &&
                       letters.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == letters.npos;
    if (!valid) throw_not_a_problem(problem);
    return letters;
}

std::string LettersTask::work(const std::string& problem, RandomStream& random) const {
    std::string letters{letters_of(problem)};
    std::string steps;
    std::string answer;
    while (!letters.empty()) {
        std::size_t taken = next(letters);
        if (random.uniform() < section().teacher_error) {
            taken = other_letter(letters, taken, random);
        }
        if (!steps.empty()) steps += ';';
        steps += letters + ':' + letters[taken];
        answer += letters[taken];
        letters.erase(taken, 1);
    }
    return "<think>" + steps + "</think><answer>" + answer + "</answer>";
}

Verdict LettersTask::verify(const Prompt& prompt, std::string_view answer) const {
    std::string letters{letters_of(prompt.problem)};
    std::string right;
    while (!letters.empty()) {
        const std::size_t taken = next(letters);
        right += letters[taken];
        letters.erase(taken, 1);
    }
    return strip_spaces(answer) == right ? Verdict::kCorrect : Verdict::kWrong;
}

std::int64_t LettersTask::longest_problem() const {
    return static_cast<std::int64_t>(start_.size()) + section().max_items;
}

}  // namespace r1
