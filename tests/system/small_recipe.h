// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace r1 {

inline constexpr int kSftSteps = 30;
inline constexpr int kGrpoSteps = 12;
inline constexpr int kAllSteps = kSftSteps + kGrpoSteps;

/// Reverses words of one or two letters: 30 supervised steps, then 12 of GRPO in rollouts of two
/// mini-batches, with a reference that moves. Every figure of the run is in metrics.jsonl.
std::string small_recipe();

inline constexpr int kLongSteps = kSftSteps + 150;

/// The same with more GRPO steps: a machine that stands still for half a second in the middle of
/// them does not miss the end of what it wanted to stop.
std::string long_recipe();

/// The text with `from` replaced; the test fails when it is not there exactly once.
std::string with(std::string text, std::string_view from, std::string_view to);

/// Writes `<folder>/recipe.yaml` and returns its path.
std::string write_recipe(const std::filesystem::path& folder, std::string_view text);

}  // namespace r1
