// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/acceptance.h"

#include <gtest/gtest.h>

namespace r1 {
namespace {

TEST(RepeatsItself, PieceThreeTimesInARowIsFound) {
    EXPECT_TRUE(repeats_itself("abcdabcdabcd"));
    EXPECT_TRUE(repeats_itself("xyzabcdabcdabcd"));
    EXPECT_TRUE(repeats_itself("7+8=15;7+8=15;7+8=15;7+8=15"));
}

TEST(RepeatsItself, TwiceOrWithAGapIsNot) {
    EXPECT_FALSE(repeats_itself("abcdabcdab"));
    EXPECT_FALSE(repeats_itself("abcdabcdabce"));
    EXPECT_FALSE(repeats_itself("abcdabcd-abcd"));
}

TEST(RepeatsItself, RepetitionOfLessThanAThirdIsNot) {
    const std::string repeated = "abcdabcdabcd";  // 12 bytes
    const std::string other = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    EXPECT_TRUE(repeats_itself(other.substr(0, 24) + repeated));
    EXPECT_FALSE(repeats_itself(other.substr(0, 25) + repeated));
}

TEST(RepeatsItself, PieceLengthsFromFourToSixtyFourCount) {
    const auto thrice = [](std::size_t length) {
        std::string piece;
        for (std::size_t i = 0; i < length; ++i) piece += static_cast<char>('0' + i);
        return piece + piece + piece;
    };
    EXPECT_FALSE(repeats_itself(thrice(3)));
    EXPECT_TRUE(repeats_itself(thrice(4)));
    EXPECT_TRUE(repeats_itself(thrice(64)));
    EXPECT_FALSE(repeats_itself(thrice(65)));
    EXPECT_FALSE(repeats_itself(""));
    EXPECT_TRUE(repeats_itself("aaaaaaaaaaaa"));
    EXPECT_FALSE(repeats_itself("aaaaaaaaaaa"));
}

struct AcceptedSamplesTest : testing::Test {
    void add(std::uint32_t prompt, const std::string& text, double accuracy = 1,
             double format = 1) {
        Sample sample;
        sample.prompt_index = prompt;
        sample.accuracy = accuracy;
        sample.format = format;
        sample.ended = true;
        sample.tokens = tokenizer->encode(text);
        sample.tokens.push_back(tokenizer->end_of_text());
        samples.push_back(sample);
    }
    std::vector<std::size_t> accepted(std::int64_t keep) const {
        std::vector<std::size_t> indices;
        for (const Sample* sample : accepted_samples(samples, *tokenizer, keep))
            indices.push_back(static_cast<std::size_t>(sample - samples.data()));
        return indices;
    }
    std::unique_ptr<Tokenizer> tokenizer = make_byte_tokenizer();
    std::vector<Sample> samples;
};

using Indices = std::vector<std::size_t>;

TEST_F(AcceptedSamplesTest, WrongMalformedRepetitiveAndEqualOnesAreLeftOut) {
    add(1, "wrong", 0);
    add(1, "malformed", 1, 0);
    add(1, "abcdabcdabcd");
    add(1, "good");
    add(1, "good");
    add(1, "other");
    EXPECT_EQ(accepted(8), (Indices{3, 5}));
}

TEST_F(AcceptedSamplesTest, KeepCountsByPrompt) {
    for (const std::uint32_t prompt : {7u, 9u})
        for (const char* text : {"one", "two", "three"}) add(prompt, text);
    EXPECT_EQ(accepted(1), (Indices{0, 3}));
    EXPECT_EQ(accepted(2), (Indices{0, 1, 3, 4}));
}

TEST_F(AcceptedSamplesTest, SameTextOfAnotherPromptIsKept) {
    add(1, "same");
    add(2, "same");
    EXPECT_EQ(accepted(4), (Indices{0, 1}));
}

TEST_F(AcceptedSamplesTest, TextLeavesOutTheEndTokenOfAnOutputThatEnded) {
    add(1, "<think>a</think>");
    EXPECT_EQ(completion_text(samples[0], *tokenizer), "<think>a</think>");
    samples[0].ended = false;
    samples[0].tokens.pop_back();
    EXPECT_EQ(completion_text(samples[0], *tokenizer), "<think>a</think>");
}

}  // namespace
}  // namespace r1
