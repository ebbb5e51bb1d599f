// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/mpi_runtime/reward/task_sections.h"

namespace r1 {
namespace {

using test::prompt_of;

TEST(Sort, AWorkedSolutionTakesTheSmallestLetterThatIsLeft) {
    const auto task = make_task(test::section_of(TaskKind::kSort), 1);
    EXPECT_EQ(task->demonstration(prompt_of("sort:dbca"), 0),
              "<think>dbca:a;dbc:b;dc:c;d:d</think><answer>abcd</answer>");
    EXPECT_EQ(task->demonstration(prompt_of("sort:baab"), 0),
              "<think>baab:a;bab:a;bb:b;b:b</think><answer>aabb</answer>");
}

TEST(Sort, OnlyTheSortedLettersAreCorrect) {
    const auto task = make_task(test::section_of(TaskKind::kSort), 1);
    const Prompt prompt = prompt_of("sort:dbca");
    EXPECT_EQ(task->verify(prompt, "abcd"), Verdict::kCorrect);
    for (const char* wrong : {"dbca", "abc", "abcdd", "ABCD", "a b c d", "abcd\xcc\x81"}) {
        EXPECT_EQ(task->verify(prompt, wrong), Verdict::kWrong) << wrong;
    }
}

TEST(Reverse, AWorkedSolutionTakesTheLastLetterThatIsLeft) {
    const auto task = make_task(test::section_of(TaskKind::kReverse), 1);
    EXPECT_EQ(task->demonstration(prompt_of("reverse:abc"), 0),
              "<think>abc:c;ab:b;a:a</think><answer>cba</answer>");
}

TEST(Reverse, OnlyTheReversedLettersAreCorrect) {
    const auto task = make_task(test::section_of(TaskKind::kReverse), 1);
    const Prompt prompt = prompt_of("reverse:abc");
    EXPECT_EQ(task->verify(prompt, "cba"), Verdict::kCorrect);
    for (const char* wrong : {"abc", "cb", "cbaa", "CBA"}) {
        EXPECT_EQ(task->verify(prompt, wrong), Verdict::kWrong) << wrong;
    }
}

TEST(Letters, CountsStayInTheirRangeAndReachItsEnds) {
    for (const TaskKind kind : {TaskKind::kSort, TaskKind::kReverse}) {
        const TaskSection section = test::section_of(kind);
        const auto task = make_task(section, 1);
        std::int64_t least = 100;
        std::int64_t most = 0;
        for (std::uint32_t i = 0; i < 1000; ++i) {
            const std::string problem = task->prompt(Split::kTrain, i).problem;
            const auto count = static_cast<std::int64_t>(problem.size() - problem.find(':') - 1);
            least = std::min(least, count);
            most = std::max(most, count);
        }
        EXPECT_EQ(least, section.min_items);
        EXPECT_EQ(most, section.max_items);
    }
}

TEST(Letters, AFlawedTeacherTakesAnotherLetterAndGoesOn) {
    TaskSection section = test::section_of(TaskKind::kSort);
    section.teacher_error = 1;
    const auto task = make_task(section, 1);
    // With two letters there is one other; with one or equal letters there is none.
    EXPECT_EQ(task->demonstration(prompt_of("sort:ba"), 0),
              "<think>ba:b;a:a</think><answer>ba</answer>");
    EXPECT_EQ(task->demonstration(prompt_of("sort:aa"), 0),
              "<think>aa:a;a:a</think><answer>aa</answer>");
}

}  // namespace
}  // namespace r1
