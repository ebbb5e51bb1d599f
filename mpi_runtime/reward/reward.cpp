// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/reward/reward.h"

#include <exception>
#include <optional>

namespace r1 {

namespace {

bool stands_once(std::string_view text, std::string_view tag) {
    const std::size_t at = text.find(tag);
    return at != text.npos && text.find(tag, at + tag.size()) == text.npos;
}

bool has_format(std::string_view text) {
    return text.starts_with("<think>") && text.ends_with("</answer>") &&
           stands_once(text, "</think><answer>") && stands_once(text, "<think>") &&
           stands_once(text, "</think>") && stands_once(text, "<answer>") &&
           stands_once(text, "</answer>");
}

/// What stands in the one answer block. Several blocks are no answer: otherwise listing guesses
/// would pay.
std::optional<std::string_view> find_answer(std::string_view text) {
    constexpr std::string_view kOpen = "<answer>";
    constexpr std::string_view kClose = "</answer>";
    if (!stands_once(text, kOpen) || !stands_once(text, kClose)) return std::nullopt;
    const std::size_t start = text.find(kOpen) + kOpen.size();
    const std::size_t end = text.find(kClose);
    if (end < start) return std::nullopt;
    return text.substr(start, end - start);
}

Verdict judge(const Task& task, const Prompt& prompt, std::string_view completion) {
    const std::optional<std::string_view> answer = find_answer(completion);
    if (!answer) return Verdict::kWrong;
    try {
        return task.verify(prompt, *answer);
    } catch (const std::exception&) {
        return Verdict::kError;
    }
}

}  // namespace

Reward score(const Task& task, const RewardsSection& weights, const Prompt& prompt,
             std::string_view completion, bool ended) {
    Reward reward;
    reward.verdict = judge(task, prompt, completion);
    reward.accuracy = reward.verdict == Verdict::kCorrect ? 1 : 0;
    reward.format = ended && has_format(completion) ? 1 : 0;
    reward.total = weights.accuracy * reward.accuracy + weights.format * reward.format;
    return reward;
}

}  // namespace r1
