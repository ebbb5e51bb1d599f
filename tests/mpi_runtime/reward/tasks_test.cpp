// SPDX-License-Identifier: Apache-2.0
// What every task promises.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/error.h"
#include "mpi_runtime/reward/crc32.h"
#include "mpi_runtime/reward/procedural_task.h"
#include "mpi_runtime/reward/reward.h"
#include "tests/mpi_runtime/reward/task_sections.h"

namespace r1 {
namespace {

using test::section_of;

/// Equal for problems that are the same but for the order of their parts.
std::string unordered(const std::string& problem) {
    std::string key = problem;
    const std::size_t plus = problem.find('+');
    if (plus != problem.npos) {
        const std::string first = problem.substr(0, plus);
        const std::string second = problem.substr(plus + 1);
        key = std::min(first, second) + '+' + std::max(first, second);
    } else if (problem.starts_with("sort:")) {
        std::sort(key.begin(), key.end());
    }
    return key;
}

class EveryTask : public testing::TestWithParam<TaskKind> {
  protected:
    TaskSection section_ = section_of(GetParam());
    std::unique_ptr<Task> task_ = make_task(section_, 42);
};

TEST_P(EveryTask, NoHeldOutProblemIsATrainingProblem) {
    std::set<std::string> trained;
    for (std::uint32_t i = 0; i < 5000; ++i) {
        trained.insert(unordered(task_->prompt(Split::kTrain, i).problem));
    }
    EXPECT_GT(trained.size(), 1000U);
    for (std::uint32_t i = 0; i < 5000; ++i) {
        const std::string problem = task_->prompt(Split::kHeldOut, i).problem;
        ASSERT_FALSE(trained.contains(unordered(problem))) << problem;
    }
}

TEST_P(EveryTask, AProblemsSplitDoesNotDependOnTheSeed) {
    const auto other = make_task(section_, 43);
    std::set<std::string> trained;
    for (std::uint32_t i = 0; i < 2000; ++i) {
        trained.insert(unordered(task_->prompt(Split::kTrain, i).problem));
    }
    for (std::uint32_t i = 0; i < 2000; ++i) {
        ASSERT_FALSE(trained.contains(unordered(other->prompt(Split::kHeldOut, i).problem)));
    }
}

TEST_P(EveryTask, AnIndexAlwaysGivesTheSamePrompt) {
    const auto again = make_task(section_, 42);
    for (std::uint32_t i = 100; i-- > 0;) {
        for (const Split split : {Split::kTrain, Split::kHeldOut}) {
            EXPECT_EQ(task_->prompt(split, i).text, again->prompt(split, i).text);
            EXPECT_EQ(task_->prompt(split, i).problem, again->prompt(split, i).problem);
        }
    }
}

TEST_P(EveryTask, AnotherSeedGivesOtherPrompts) {
    const auto other = make_task(section_, 43);
    int same = 0;
    for (std::uint32_t i = 0; i < 200; ++i) {
        if (task_->prompt(Split::kTrain, i).problem == other->prompt(Split::kTrain, i).problem) {
            ++same;
        }
    }
    EXPECT_LT(same, 10);
}

TEST_P(EveryTask, APerfectTeacherIsAlwaysCorrectAndInTheFormat) {
    const RewardsSection weights{.accuracy = 1, .format = 0.5};
    for (std::uint32_t i = 0; i < 2000; ++i) {
        const Split split = i % 2 == 0 ? Split::kTrain : Split::kHeldOut;
        const Prompt prompt = task_->prompt(split, i);
        const std::string completion = task_->demonstration(prompt, i);
        const Reward reward = score(*task_, weights, prompt, completion, true);
        ASSERT_EQ(reward.verdict, Verdict::kCorrect) << prompt.text << completion;
        ASSERT_EQ(reward.total, 1.5) << prompt.text << completion;
    }
}

TEST_P(EveryTask, AFlawedTeacherIsSometimesWrongButAlwaysInTheFormat) {
    section_.teacher_error = 0.2;
    const auto flawed = make_task(section_, 42);
    int correct = 0;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const Prompt prompt = flawed->prompt(Split::kTrain, i);
        const std::string completion = flawed->demonstration(prompt, i);
        const Reward reward = score(*flawed, {}, prompt, completion, true);
        ASSERT_EQ(reward.format, 1) << prompt.text << completion;
        ASSERT_NE(reward.verdict, Verdict::kError) << prompt.text << completion;
        correct += reward.verdict == Verdict::kCorrect ? 1 : 0;
        EXPECT_EQ(completion, flawed->demonstration(prompt, i));
    }
    EXPECT_GT(correct, 100);
    EXPECT_LT(correct, 900);
}

TEST_P(EveryTask, TheR1TemplateHoldsThePrompt) {
    section_.prompt_template = PromptTemplate::kR1;
    const auto wrapped = make_task(section_, 42);
    const std::string text = wrapped->prompt(Split::kTrain, 3).text;
    const std::string plain = task_->prompt(Split::kTrain, 3).text;
    EXPECT_TRUE(text.starts_with("A conversation between User and Assistant. ")) << text;
    EXPECT_TRUE(text.ends_with("</answer>. User: " + plain + ". Assistant:")) << text;
    EXPECT_EQ(wrapped->prompt(Split::kTrain, 3).problem, task_->prompt(Split::kTrain, 3).problem);
}

TEST_P(EveryTask, NoPromptIsLongerThanTheLongest) {
    for (const PromptTemplate form : {PromptTemplate::kPlain, PromptTemplate::kR1}) {
        section_.prompt_template = form;
        const auto task = make_task(section_, 42);
        std::size_t longest = 0;
        for (std::uint32_t i = 0; i < 2000; ++i) {
            longest = std::max(longest, task->prompt(Split::kTrain, i).text.size());
        }
        EXPECT_LE(longest, static_cast<std::size_t>(task->longest_prompt()));
        EXPECT_GE(longest + 3, static_cast<std::size_t>(task->longest_prompt()));
    }
}

TEST_P(EveryTask, ProblemsThatAreNotItsOwnAreErrorsOfTheVerifier) {
    for (const char* problem : {"",
                                "+",
                                "1+",
                                "+1",
                                "1+2+3",
                                "01+2",
                                "-1+2",
                                "9999999999999999999+1",
                                "sort:",
                                "sort:A",
                                "sort:a1",
                                "reverse:",
                                "reverse:\xff",
                                "=>",
                                "1 2=>",
                                "=>3",
                                "1  2=>3",
                                "1 2=>x",
                                "1 2 3 4 5 6 7=>8",
                                "99999999999 2=>3",
                                "1 2=>99999999999999999999"}) {
        const Prompt prompt = test::prompt_of(problem);
        EXPECT_THROW(task_->demonstration(prompt, 0), Error) << problem;
        EXPECT_THROW(task_->verify(prompt, "1"), Error) << problem;
        EXPECT_EQ(score(*task_, {}, prompt, "<answer>1</answer>", true).verdict, Verdict::kError);
    }
}

TEST_P(EveryTask, AnswersWithoutMeaningAreWrong) {
    const Prompt prompt = task_->prompt(Split::kTrain, 0);
    for (const std::string& answer :
         {std::string(), std::string(" "), std::string(1'000'000, '9'), std::string(1'000'000, '('),
          std::string(1'000'000, 'a'), std::string("\0", 1), std::string("-0"), std::string("+"),
          std::string("\xff\xfe"), std::string("\u0663\u0664"), std::string("nan"),
          std::string("99999999999999999999999999")}) {
        EXPECT_EQ(task_->verify(prompt, answer), Verdict::kWrong) << answer.substr(0, 30);
    }
}

TEST_P(EveryTask, SpacesAroundTheAnswerDoNotMatter) {
    const Prompt prompt = task_->prompt(Split::kTrain, 1);
    const std::string answer = test::answer_of(task_->demonstration(prompt, 1));
    EXPECT_EQ(task_->verify(prompt, " \n" + answer + "\t "), Verdict::kCorrect);
}

std::string name_of(const testing::TestParamInfo<TaskKind>& task) {
    constexpr std::array<const char*, 4> kNames = {"Addition", "Countdown", "Sort", "Reverse"};
    return kNames.at(static_cast<std::size_t>(task.param));
}

INSTANTIATE_TEST_SUITE_P(Tasks, EveryTask,
                         testing::Values(TaskKind::kAddition, TaskKind::kCountdown, TaskKind::kSort,
                                         TaskKind::kReverse),
                         name_of);

TEST(MakeTask, SettingsThatATaskCannotDoAreUsageErrorsThatNameTheKey) {
    const auto expect_refused = [](TaskSection section, const std::string& key) {
        try {
            make_task(section, 1);
            FAIL() << "expected Error about " << key;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::kUsage);
            EXPECT_NE(std::string(error.what()).find("task." + key + " is "), std::string::npos)
                << error.what();
        }
    };
    TaskSection section = section_of(TaskKind::kAddition);
    section.digits = 0;
    expect_refused(section, "digits");
    section.digits = 19;
    expect_refused(section, "digits");
    section = section_of(TaskKind::kCountdown);
    section.max_items = 7;
    expect_refused(section, "max_items");
    section.min_items = 1;
    expect_refused(section, "min_items");
    section = section_of(TaskKind::kSort);
    section.max_items = section.min_items - 1;
    expect_refused(section, "max_items");
    section = section_of(TaskKind::kReverse);
    section.min_items = 0;
    expect_refused(section, "min_items");
}

/// A task with one problem, which is in one split only.
class OneProblem final : public ProceduralTask {
  public:
    OneProblem() : ProceduralTask({}, 1, "one", "=") { check_splits(); }
    Verdict verify(const Prompt&, std::string_view) const override { return Verdict::kWrong; }

  protected:
    std::string draw(RandomStream&) const override { return "only"; }
    std::string work(const std::string&, RandomStream&) const override { return {}; }
    std::int64_t longest_problem() const override { return 4; }
};

TEST(MakeTask, ASplitWithoutProblemsIsAUsageErrorWithTheReason) {
    try {
        OneProblem task;
        FAIL() << "expected Error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kUsage);
        EXPECT_STREQ(error.what(),
                     "task 'one' has too few problems: none is a held-out problem. Make "
                     "task.digits or task.max_items larger");
    }
}

TEST(Crc32, EqualsThePublishedCheckValue) {
    EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
    EXPECT_EQ(crc32(""), 0U);
}

}  // namespace
}  // namespace r1
