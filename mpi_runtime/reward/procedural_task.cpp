// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/reward/procedural_task.h"

#include <algorithm>
#include <charconv>

#include "common/error.h"
#include "common/text.h"
#include "mpi_runtime/reward/crc32.h"

namespace r1 {

namespace {

/// A split that holds one problem in a thousand is still found but for 5 in 100,000 cases; the
/// splits of real tasks hold one in five.
constexpr std::uint32_t kMostDraws = 10'000;

// DeepSeek-R1 (arXiv 2501.12948), table 1.
constexpr std::string_view kR1Start =
    "A conversation between User and Assistant. The user asks a question, and the Assistant solves "
    "it. The assistant first thinks about the reasoning process in the mind and then provides the "
    "user with the answer. The reasoning process and answer are enclosed within <think>...</think> "
    "and <answer>...</answer> tags, respectively, i.e., <think> reasoning process here </think> "
    "<answer> answer here </answer>. User: ";
constexpr std::string_view kR1End = ". Assistant:";

bool is_held_out(const std::string& key) {
    return crc32(key) % 5 == 0;
}

}  // namespace

std::optional<std::int64_t> parse_number(std::string_view text) {
    const bool digits = !text.empty() && text.size() <= 18 &&
                        text.find_first_not_of("0123456789") == std::string_view::npos;
    if (!digits || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string_view strip_spaces(std::string_view text) {
    constexpr std::string_view kSpaces = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

void check_range(std::string_view key, std::int64_t value, std::int64_t low, std::int64_t high) {
    if (value >= low && value <= high) return;
    throw Error(ExitCode::kUsage, "task." + std::string(key) + " is " + std::to_string(value) +
                                      ", but this task takes " + std::to_string(low) + " to " +
                                      std::to_string(high));
}

std::optional<std::string> ProceduralTask::draw_in(Split split, std::uint32_t index) const {
    const bool held_out = split == Split::kHeldOut;
    const PhiloxKey key = make_key(seed_, held_out ? Purpose::kHeldOut : Purpose::kPrompt);
    for (std::uint32_t attempt = 0; attempt < kMostDraws; ++attempt) {
        RandomStream random(key, index, attempt);
        std::string problem = draw(random);
        if (is_held_out(split_key(problem)) == held_out) return problem;
    }
    return std::nullopt;
}

void ProceduralTask::check_splits() const {
    for (const Split split : {Split::kTrain, Split::kHeldOut}) {
        if (draw_in(split, 0)) continue;
        const std::string_view empty = split == Split::kTrain ? "training" : "held-out";
        throw Error(ExitCode::kUsage,
                    "task '" + std::string(name_) + "' has too few problems: none is a " +
                        std::string(empty) + " problem. Make task.digits or task.max_items larger");
    }
}

void ProceduralTask::throw_not_a_problem(std::string_view problem) const {
    throw Error(ExitCode::kRunFailed, "'" + printable(problem.substr(0, 80)) +
                                          "' is not a problem of the task '" + std::string(name_) +
                                          "'");
}

Prompt ProceduralTask::prompt(Split split, std::uint32_t index) const {
    std::optional<std::string> problem = draw_in(split, index);
    if (!problem) {
        throw Error(ExitCode::kRunFailed, "task '" + std::string(name_) + "' found no prompt " +
                                              std::to_string(index) + " in its split");
    }
    std::string text = *problem + std::string(prompt_end_);
    if (section_.prompt_template == PromptTemplate::kR1) {
        text = std::string(kR1Start) + text + std::string(kR1End);
    }
    return {std::move(text), *std::move(problem)};
}

std::string ProceduralTask::demonstration(const Prompt& prompt, std::uint32_t index) const {
    RandomStream random(make_key(seed_, Purpose::kTeacher), index);
    return work(prompt.problem, random);
}

std::int32_t ProceduralTask::longest_prompt() const {
    std::size_t bytes = static_cast<std::size_t>(longest_problem()) + prompt_end_.size();
    if (section_.prompt_template == PromptTemplate::kR1) bytes += kR1Start.size() + kR1End.size();
    return static_cast<std::int32_t>(bytes);
}

}  // namespace r1
