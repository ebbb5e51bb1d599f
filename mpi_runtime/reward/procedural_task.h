// SPDX-License-Identifier: Apache-2.0
// Private to reward: what all tasks share, which is the splits, the template and the teacher's key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/random.h"
#include "mpi_runtime/reward/task.h"

namespace r1 {

/// The whole text as a number: digits only, at most 18 of them, no leading zero.
std::optional<std::int64_t> parse_number(std::string_view text);
/// The text without spaces at its ends.
std::string_view strip_spaces(std::string_view text);
/// Throws Error (kUsage) unless low <= value <= high.
void check_range(std::string_view key, std::int64_t value, std::int64_t low, std::int64_t high);

/// A task whose problems are drawn at random and whose prompt is its problem and `prompt_end`.
class ProceduralTask : public Task {
  public:
    Prompt prompt(Split split, std::uint32_t index) const final;
    std::string demonstration(const Prompt& prompt, std::uint32_t index) const final;
    std::int32_t longest_prompt() const final;

  protected:
    ProceduralTask(const TaskSection& section, std::uint64_t seed, std::string_view name,
                   std::string_view prompt_end)
        : section_(section), seed_(seed), name_(name), prompt_end_(prompt_end) {}

    virtual std::string draw(RandomStream& random) const = 0;
    /// What decides the split: equal for problems that are the same but for their order.
    virtual std::string split_key(const std::string& problem) const { return problem; }
    virtual std::string work(const std::string& problem, RandomStream& random) const = 0;
    virtual std::int64_t longest_problem() const = 0;

    /// Throws Error (kUsage) when a split has no problem. For the end of a constructor.
    void check_splits() const;
    [[noreturn]] void throw_not_a_problem(std::string_view problem) const;
    const TaskSection& section() const { return section_; }

  private:
    std::optional<std::string> draw_in(Split split, std::uint32_t index) const;

    TaskSection section_;
    std::uint64_t seed_;
    std::string_view name_;
    std::string_view prompt_end_;
};

std::unique_ptr<Task> make_addition_task(const TaskSection& section, std::uint64_t seed);
std::unique_ptr<Task> make_countdown_task(const TaskSection& section, std::uint64_t seed);
std::unique_ptr<Task> make_sort_task(const TaskSection& section, std::uint64_t seed);
std::unique_ptr<Task> make_reverse_task(const TaskSection& section, std::uint64_t seed);

}  // namespace r1
