// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "mpi_runtime/reward/countdown_search.h"
#include "tests/mpi_runtime/reward/task_sections.h"

namespace r1 {
namespace {

using test::prompt_of;

std::unique_ptr<Task> countdown(double teacher_error = 0) {
    TaskSection section = test::section_of(TaskKind::kCountdown);
    section.teacher_error = teacher_error;
    return make_task(section, 5);
}

TEST(Countdown, PromptsAreTheNumbersAndTheTarget) {
    const Prompt prompt = countdown()->prompt(Split::kTrain, 0);
    EXPECT_EQ(prompt.text, prompt.problem + ":");
    EXPECT_NE(prompt.problem.find("=>"), std::string::npos);
}

TEST(Countdown, AWorkedSolutionDerivesTheTargetStepByStep) {
    EXPECT_EQ(countdown()->demonstration(prompt_of("3 7 25=>46"), 0),
              "<think>3*7=21;25+21=46</think><answer>25+(3*7)</answer>");
    EXPECT_EQ(countdown()->demonstration(prompt_of("2 3=>5"), 0),
              "<think>2+3=5</think><answer>2+3</answer>");
}

TEST(Countdown, AFlawedTeachersAnswerFollowsFromItsSteps) {
    // Two numbers, one step: any other operation than the right one, worked correctly.
    const std::string text = countdown(1)->demonstration(prompt_of("2 3=>5"), 0);
    EXPECT_EQ(text, "<think>2*3=6</think><answer>2*3</answer>");
}

TEST(Countdown, ExpressionsOfAllTheNumbersThatReachTheTargetAreCorrect) {
    const auto task = countdown();
    const Prompt prompt = prompt_of("3 7 25=>46");
    for (const char* right : {"3*7+25", "25+3*7", "(25)+((7*3))", " 7 * 3 + 25 ", "7\u00d73+25"}) {
        EXPECT_EQ(task->verify(prompt, right), Verdict::kCorrect) << right;
    }
    EXPECT_EQ(task->verify(prompt_of("3 3 8 8=>24"), "8/(3-8/3)"), Verdict::kCorrect);
    EXPECT_EQ(task->verify(prompt_of("2 4 8=>4"), "8\u00f74*2"), Verdict::kCorrect);
}

TEST(Countdown, WhatBreaksTheRulesIsWrong) {
    const auto task = countdown();
    const Prompt prompt = prompt_of("3 7 25=>46");
    for (const char* wrong :
         {"46",       "21+25",      "3*7+25+0",  "3*7",       "3+7+25",  "3*7+25=46",
          "3*7+25;",  "25+7+7+7",   "37+25",     "3*7+25*1",  "-(0-46)", "46+3-3",
          "3/0+7+25", "25/(7-7)*3", "3*7+25)",   "((3*7+25)", "3*7+2*5", "three*7+25",
          "-3*7+25",  "25-(0-3*7)", "25+3/(1/7)"}) {
        EXPECT_EQ(task->verify(prompt, wrong), Verdict::kWrong) << wrong;
    }
    EXPECT_EQ(task->verify(prompt_of("3 3 5=>5"), "5/(3-3)"), Verdict::kWrong);
    EXPECT_EQ(task->verify(prompt_of("3 3 5=>5"), "3/3*5"), Verdict::kCorrect);
    EXPECT_EQ(task->verify(prompt_of("3 3 5=>5"), "3*5"), Verdict::kWrong);
    EXPECT_EQ(task->verify(prompt_of("3 5 7=>1"), "5/3"), Verdict::kWrong);
}

TEST(Countdown, OverflowIsTheVerifiersErrorOnlyForTheGivenNumbers) {
    TaskSection section = test::section_of(TaskKind::kCountdown);
    section.digits = 5;
    const auto task = make_task(section, 5);
    const Prompt prompt = prompt_of("99999 99999 99999 99999 99999=>1");
    const std::string product = "99999*99999*99999*99999";
    EXPECT_EQ(task->verify(prompt, product + "*99999"), Verdict::kError);
    EXPECT_EQ(task->verify(prompt, product + "*99999*99999"), Verdict::kWrong);
    EXPECT_EQ(task->verify(prompt, product), Verdict::kWrong);
}

TEST(Countdown, TheSearchFindsADerivationOrSaysThatThereIsNone) {
    EXPECT_FALSE(find_derivation({1, 1}, 7, 1000).has_value());
    EXPECT_FALSE(find_derivation({10, 10}, 100, 99).has_value());
    const auto steps = find_derivation({4, 6, 7, 50, 75, 100}, 952, 100'000);
    ASSERT_TRUE(steps.has_value());
    std::vector<std::int64_t> numbers{4, 6, 7, 50, 75, 100};
    for (const CountdownStep& step : *steps) {
        const auto result = apply(numbers[step.left], step.operation, numbers[step.right], 100'000);
        ASSERT_TRUE(result.has_value());
        replace_operands(numbers, step, *result);
    }
    EXPECT_EQ(numbers, std::vector<std::int64_t>{952});
}

}  // namespace
}  // namespace r1
