// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/demonstrations.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "common/error.h"
#include "tests/common/message_of.h"
#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1 {
namespace {

struct DemonstrationsTest : testing::Test {
    void write(const std::string& text) const { std::ofstream(file, std::ios::binary) << text; }
    std::string refusal() {
        return message_of([&] { make_demonstrations(run.session, 0); });
    }
    /// Numbers of the lines of write_lines(), as demonstrations `first` … give them.
    std::vector<int> order(const Demonstrations& source, std::int64_t first, std::int64_t count) {
        std::vector<int> numbers;
        for (std::int64_t i = first; i < first + count; ++i)
            numbers.push_back(std::stoi(text(source.at(i).prompt)));
        return numbers;
    }
    std::string text(const std::vector<std::int32_t>& tokens) const {
        return run.session.tokenizer->decode(tokens);
    }
    TemporaryFolder folder;
    std::string file = (folder / "data.jsonl").string();
    test::TinyRun run{{"stages.sft.data=" + file}};
};

const std::string kGood = R"({"prompt":"1=","completion":"<think>a</think><answer>1</answer>"})";

TEST_F(DemonstrationsTest, LineGivesItsPromptAndItsCompletionWithTheEndToken) {
    write(kGood + "\n");
    const Demonstration one = make_demonstrations(run.session, 0)->at(0);
    EXPECT_EQ(text(one.prompt), "1=");
    // Tags are one token each: <think> a </think> <answer> 1 </answer> and the end.
    EXPECT_EQ(one.completion.size(), 7u);
    EXPECT_EQ(one.completion.back(), run.session.tokenizer->end_of_text());
    EXPECT_EQ(one.rows(), 2 + 7 - 1);
}

TEST_F(DemonstrationsTest, SpecialTokensInAPromptStayPlainText) {
    write(R"({"prompt":"<think>","completion":""})"
          "\n");
    const Demonstration one = make_demonstrations(run.session, 0)->at(0);
    EXPECT_EQ(one.prompt.size(), 7u);
    EXPECT_EQ(one.completion.size(), 1u);
}

TEST_F(DemonstrationsTest, WrongLineIsNamedWithItsFileAndNumber) {
    const std::string bad[] = {"{\"prompt\":\"1=\",", R"({"prompt":"1="})", "",
                               R"({"prompt":1,"completion":"a"})", R"(["prompt","completion"])"};
    for (const std::string& line : bad) {
        write(kGood + "\n" + kGood + "\n" + line + "\n" + kGood + "\n");
        EXPECT_EQ(refusal(),
                  file + R"(:3: expected {"prompt": "…", "completion": "…"} on the line)");
    }
}

TEST_F(DemonstrationsTest, EmptyPromptAndTooLongALineAreNamed) {
    write(R"({"prompt":"","completion":"a"})"
          "\n");
    EXPECT_EQ(refusal(), file + ":1: the prompt is empty");
    // 60 + 5 bytes and the end token are 65 rows; the model has 64 positions.
    const auto line = [](int completion) {
        return "{\"prompt\":\"" + std::string(60, 'p') + "\",\"completion\":\"" +
               std::string(static_cast<std::size_t>(completion), 'c') + "\"}\n";
    };
    write(kGood + "\n" + line(5));
    EXPECT_EQ(refusal(), file +
                             ":2: 65 tokens are more than the model's max_position_embeddings "
                             "of 64");
    write(kGood + "\n" + line(4));
    EXPECT_EQ(refusal(), "nothing was thrown");
}

TEST_F(DemonstrationsTest, NoFileAndNoLinesAreRefused) {
    EXPECT_NE(refusal().find(file), std::string::npos);
    write("");
    EXPECT_EQ(refusal(), "'" + file + "' holds no demonstration to train on");
}

TEST_F(DemonstrationsTest, EveryPassTakesAllLinesInAnotherOrder) {
    std::string lines;
    for (int i = 0; i < 20; ++i)
        lines += "{\"prompt\":\"" + std::to_string(i) + "\",\"completion\":\"c\"}\n";
    write(lines);
    const auto source = make_demonstrations(run.session, 0);
    const std::vector<int> first = order(*source, 0, 20);
    const std::vector<int> second = order(*source, 20, 20);
    EXPECT_EQ(std::set<int>(first.begin(), first.end()).size(), 20u);
    EXPECT_EQ(std::set<int>(second.begin(), second.end()).size(), 20u);
    EXPECT_NE(first, second);
    // A pure function of the number: going back, or starting in the middle, changes nothing.
    EXPECT_EQ(order(*source, 0, 20), first);
    const auto resumed = make_demonstrations(run.session, 0);
    const std::vector<int> rest = order(*resumed, 25, 15);
    EXPECT_TRUE(std::equal(rest.begin(), rest.end(), second.begin() + 5));
}

TEST_F(DemonstrationsTest, TeacherIsAPureFunctionOfTheNumberAndSolvesTrainingPrompts) {
    const test::TinyRun taught;
    const auto source = make_demonstrations(taught.session, 0);
    std::set<std::string> prompts;
    for (std::int64_t i = 0; i < 20; ++i) {
        const Demonstration one = source->at(i);
        EXPECT_EQ(one.completion, source->at(i).completion);
        EXPECT_EQ(one.completion.back(), taught.session.tokenizer->end_of_text());
        const Prompt prompt = taught.session.task->prompt(Split::kTrain, prompt_number(0, i));
        EXPECT_EQ(text(one.prompt), prompt.text);
        prompts.insert(prompt.text);
    }
    EXPECT_GT(prompts.size(), 10u);
}

TEST_F(DemonstrationsTest, SamplesOfAStageComeFromTheRunFolder) {
    run.session.recipe.stages[0].data = "stage:pick";
    const std::filesystem::path samples = run.session.run.samples_of("pick");
    EXPECT_NE(refusal().find(samples.string()), std::string::npos);
    std::filesystem::create_directories(samples.parent_path());
    std::ofstream(samples) << kGood << '\n';
    EXPECT_EQ(text(make_demonstrations(run.session, 0)->at(0).prompt), "1=");
}

TEST(PromptNumber, StagesHavePromptsOfTheirOwnUpToTheLimit) {
    EXPECT_EQ(prompt_number(0, 5), 5u);
    EXPECT_EQ(prompt_number(1, 0), 67108864u);
    EXPECT_EQ(prompt_number(63, 67108863), 0xffffffffu);
    EXPECT_THROW(prompt_number(0, 67108864), Error);
    EXPECT_THROW(prompt_number(64, 0), Error);
}

}  // namespace
}  // namespace r1
