// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/load.h"

namespace r1::testing {

/// A small good recipe. The tests break it, so its line numbers matter.
inline constexpr std::string_view kGood = R"(name: r
model:
  hidden_size: 8
  intermediate_size: 8
  num_hidden_layers: 1
  num_attention_heads: 2
stages:
  - name: sft
    kind: sft
    steps: 10
  - name: rl
    kind: grpo
    from: sft
    steps: 10
)";

/// Runs each test in a folder of its own, so that reports name files as "r.yaml".
class RecipeTest : public ::testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    static void write(const std::string& file, std::string_view text);
    /// Loads `text` as r.yaml.
    static Recipe load(std::string_view text, const std::vector<std::string>& overrides = {});
    /// The report on `text` as r.yaml; empty when the recipe is good.
    static std::string report(std::string_view text,
                              const std::vector<std::string>& overrides = {});
    static std::string report_of_file(const std::filesystem::path& file,
                                      const std::vector<std::string>& overrides = {});
    /// kGood with one text in the place of another.
    static std::string broken(std::string_view old_text, std::string_view new_text);

  private:
    std::filesystem::path before_;
    std::filesystem::path folder_;
};

}  // namespace r1::testing
