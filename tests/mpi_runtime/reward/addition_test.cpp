// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "mpi_runtime/reward/crc32.h"
#include "tests/mpi_runtime/reward/task_sections.h"

namespace r1 {
namespace {

using test::prompt_of;

std::unique_ptr<Task> teacher(double forget_carry, double error, std::int64_t digits = 3) {
    TaskSection section = test::section_of(TaskKind::kAddition);
    section.digits = digits;
    section.teacher_forget_carry = forget_carry;
    section.teacher_error = error;
    return make_task(section, 11);
}

TEST(Addition, AWorkedSolutionShowsEachColumnAndItsCarry) {
    const auto task = teacher(0, 0);
    EXPECT_EQ(task->demonstration(prompt_of("589+276"), 0),
              "<think>9+6+0=15;8+7+1=16;5+2+1=8</think><answer>865</answer>");
    EXPECT_EQ(task->demonstration(prompt_of("0+0"), 0), "<think>0+0+0=0</think><answer>0</answer>");
    EXPECT_EQ(task->demonstration(prompt_of("7+120"), 0),
              "<think>7+0+0=7;0+2+0=2;0+1+0=1</think><answer>127</answer>");
    EXPECT_EQ(task->demonstration(prompt_of("999+1"), 0),
              "<think>9+1+0=10;9+0+1=10;9+0+1=10</think><answer>1000</answer>");
}

TEST(Addition, ATeacherWhoForgetsEveryCarryWritesNone) {
    EXPECT_EQ(teacher(1, 0)->demonstration(prompt_of("589+276"), 0),
              "<think>9+6+0=15;8+7+0=15;5+2+0=7</think><answer>755</answer>");
    EXPECT_EQ(teacher(1, 0)->demonstration(prompt_of("999+1"), 0),
              "<think>9+1+0=10;9+0+0=9;9+0+0=9</think><answer>990</answer>");
}

TEST(Addition, ATeacherInErrorIsOffByOneOrTwoAndNeverBelowZero) {
    const auto task = teacher(0, 1, 1);
    std::string seen;
    for (std::uint32_t i = 0; i < 400; ++i) {
        const std::string text = task->demonstration(prompt_of("2+3"), i);
        const std::size_t equals = text.find('=');
        const std::string v = text.substr(equals + 1, text.find('<', equals) - equals - 1);
        EXPECT_TRUE(v == "3" || v == "4" || v == "6" || v == "7") << text;
        EXPECT_EQ(test::answer_of(text), v);
        if (seen.find(v) == seen.npos) seen += v;
        const std::string from_zero = test::answer_of(task->demonstration(prompt_of("0+0"), i));
        EXPECT_TRUE(from_zero == "1" || from_zero == "2") << from_zero;
    }
    EXPECT_EQ(seen.size(), 4U);
}

TEST(Addition, TheTeacherOfTheDemonstrationRecipeIsCorrectAsOftenAsMeasured) {
    const auto task = teacher(0.7, 0.03);
    int correct = 0;
    for (std::uint32_t i = 0; i < 4000; ++i) {
        const Prompt prompt = task->prompt(Split::kTrain, i);
        const std::string answer = test::answer_of(task->demonstration(prompt, i));
        correct += task->verify(prompt, answer) == Verdict::kCorrect ? 1 : 0;
    }
    EXPECT_NEAR(correct / 4000.0, 0.427, 0.03);
}

TEST(Addition, PromptsAreTheProblemAndAnEqualsSign) {
    const auto task = teacher(0, 0);
    const Prompt prompt = task->prompt(Split::kTrain, 0);
    EXPECT_EQ(prompt.text, prompt.problem + "=");
}

TEST(Addition, APairIsInOneSplitInBothOrders) {
    const auto task = teacher(0, 0);
    for (const Split split : {Split::kTrain, Split::kHeldOut}) {
        bool descending = false;
        for (std::uint32_t i = 0; i < 1000; ++i) {
            const std::string problem = task->prompt(split, i).problem;
            const std::size_t plus = problem.find('+');
            const int first = std::stoi(problem.substr(0, plus));
            const int second = std::stoi(problem.substr(plus + 1));
            const std::string key = std::to_string(std::min(first, second)) + '+' +
                                    std::to_string(std::max(first, second));
            EXPECT_EQ(crc32(key) % 5 == 0, split == Split::kHeldOut) << problem;
            descending = descending || first > second;
        }
        EXPECT_TRUE(descending);
    }
}

TEST(Addition, OnlyTheSumInPlainDigitsIsCorrect) {
    const auto task = teacher(0, 0);
    const Prompt prompt = prompt_of("589+276");
    EXPECT_EQ(task->verify(prompt, "865"), Verdict::kCorrect);
    EXPECT_EQ(task->verify(prompt, "865 "), Verdict::kCorrect);
    for (const char* wrong : {"864", "0865", "+865", "-865", "865.0", "865a", "8 65", "8.65e2",
                              "0x361", "865=865", "\uff18\uff16\uff15", "18446744073709552481"}) {
        EXPECT_EQ(task->verify(prompt, wrong), Verdict::kWrong) << wrong;
    }
    EXPECT_EQ(task->verify(prompt_of("0+0"), "0"), Verdict::kCorrect);
    EXPECT_EQ(task->verify(prompt_of("0+0"), "-0"), Verdict::kWrong);
    EXPECT_EQ(task->verify(prompt_of("0+0"), "00"), Verdict::kWrong);
}

TEST(Addition, TheLargestOperandsAddWithoutOverflow) {
    const auto task = teacher(0, 0, 18);
    const Prompt prompt = prompt_of("999999999999999999+999999999999999999");
    EXPECT_EQ(task->verify(prompt, "1999999999999999998"), Verdict::kCorrect);
    EXPECT_EQ(test::answer_of(task->demonstration(prompt, 0)), "1999999999999999998");
}

}  // namespace
}  // namespace r1
