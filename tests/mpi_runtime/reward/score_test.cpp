// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <stdexcept>

#include "mpi_runtime/reward/reward.h"
#include "tests/mpi_runtime/reward/task_sections.h"

namespace r1 {
namespace {

const RewardsSection kWeights{.accuracy = 1, .format = 0.1};

Reward score_text(std::string_view completion, bool ended = true) {
    const auto task = make_task(test::section_of(TaskKind::kAddition), 1);
    return score(*task, kWeights, test::prompt_of("589+276"), completion, ended);
}

TEST(Score, ACorrectAnswerInTheFormatGetsBothParts) {
    const Reward reward = score_text("<think>9+6</think><answer>865</answer>");
    EXPECT_EQ(reward.accuracy, 1);
    EXPECT_EQ(reward.format, 1);
    EXPECT_DOUBLE_EQ(reward.total, 1.1);
    EXPECT_EQ(reward.verdict, Verdict::kCorrect);
}

TEST(Score, AWrongAnswerInTheFormatGetsTheFormatsWeight) {
    const Reward reward = score_text("<think></think><answer>864</answer>");
    EXPECT_EQ(reward.accuracy, 0);
    EXPECT_DOUBLE_EQ(reward.total, 0.1);
    EXPECT_EQ(reward.verdict, Verdict::kWrong);
}

TEST(Score, AnythingBesidesTheTwoPartsIsNotTheFormat) {
    for (const char* text :
         {"", "865", " <think></think><answer>865</answer>", "<think></think><answer>865</answer> ",
          "<think></think> <answer>865</answer>", "<think></think>x<answer>865</answer>",
          "<answer>865</answer><think></think>", "<think><answer>865</answer></think>",
          "<answer>865</answer>", "<think></think>865", "<think></think><answer>865",
          "<think><think></think><answer>865</answer>",
          "<think></think></think><answer>865</answer>",
          "<think></think><answer></think><answer>865</answer>",
          "<think></think><answer>865</answer></answer>", "<THINK></THINK><ANSWER>865</ANSWER>"}) {
        EXPECT_EQ(score_text(text).format, 0) << text;
    }
}

TEST(Score, AnOutputCutAtTheLimitHasNoFormat) {
    const std::string whole = "<think>9+6</think><answer>865</answer>";
    EXPECT_EQ(score_text(whole, false).format, 0);
    EXPECT_EQ(score_text(whole, false).accuracy, 1);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const Reward reward = score_text(whole.substr(0, length), false);
        EXPECT_EQ(reward.total, 0) << length;
        EXPECT_EQ(reward.verdict, Verdict::kWrong) << length;
    }
}

TEST(Score, AccuracyNeedsNoThinkPart) {
    EXPECT_EQ(score_text("so <answer>865</answer>").accuracy, 1);
}

TEST(Score, SeveralOrBrokenAnswerBlocksAreNoAnswer) {
    for (const char* text :
         {"<answer>865</answer><answer>865</answer>", "<answer>864</answer><answer>865</answer>",
          "<answer><answer>865</answer></answer>", "<answer><answer>865</answer>",
          "<answer>865</answer></answer>", "</answer>865<answer>", "</answer><answer>865",
          "<answer>865"}) {
        EXPECT_EQ(score_text(text).verdict, Verdict::kWrong) << text;
        EXPECT_EQ(score_text(text).total, 0) << text;
    }
}

TEST(Score, AHugeOutputIsScored) {
    const std::string huge(1'000'000, '8');
    EXPECT_EQ(score_text("<think>" + huge + "</think><answer>" + huge + "</answer>").accuracy, 0);
}

/// A task whose verifier fails.
class Failing final : public Task {
  public:
    Prompt prompt(Split, std::uint32_t) const override { return {}; }
    std::string demonstration(const Prompt&, std::uint32_t) const override { return {}; }
    Verdict verify(const Prompt&, std::string_view) const override {
        throw std::runtime_error("the verifier fails");
    }
    std::int32_t longest_prompt() const override { return 0; }
};

TEST(Score, AVerifierThatThrowsIsAnErrorAndNotAWrongAnswer) {
    const Reward reward = score(Failing(), kWeights, {}, "<think></think><answer>1</answer>", true);
    EXPECT_EQ(reward.verdict, Verdict::kError);
    EXPECT_EQ(reward.accuracy, 0);
}

TEST(Score, AVerifierIsNotAskedWithoutAnAnswer) {
    EXPECT_EQ(score(Failing(), kWeights, {}, "no answer", true).verdict, Verdict::kWrong);
}

}  // namespace
}  // namespace r1
