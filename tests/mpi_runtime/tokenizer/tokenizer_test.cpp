// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "common/random.h"

namespace r1 {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(ByteTokenizer, RandomBytesComeBackAsTheyWere) {
    const auto tokenizer = make_byte_tokenizer();
    for (std::uint32_t sample = 0; sample < 2000; ++sample) {
        RandomStream random(make_key(1, Purpose::kControl), sample);
        std::string text(random.below(200), '\0');
        // Few letters, so that special names and their beginnings are frequent in every second.
        const std::string_view few = "<>/|thinkanswer<think></think><answer></answer><|endoftext|>";
        for (char& letter : text) {
            letter = sample % 2 == 0 ? static_cast<char>(random.below(256))
                                     : few[random.below(static_cast<std::uint32_t>(few.size()))];
        }
        if (sample % 4 == 1) text.insert(text.size() / 2, "<think>");
        ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
        ASSERT_EQ(tokenizer->decode(tokenizer->encode_plain(text)), text);
    }
}

TEST(ByteTokenizer, EveryByteHasTheIdOfItsValue) {
    const auto tokenizer = make_byte_tokenizer();
    for (std::int32_t id = 0; id < 256; ++id) {
        const std::string text(1, static_cast<char>(id));
        EXPECT_EQ(tokenizer->encode(text), Ids{id});
        EXPECT_EQ(tokenizer->encode_plain(text), Ids{id});
    }
}

TEST(ByteTokenizer, SpecialNamesBecomeOneIdEach) {
    const auto tokenizer = make_byte_tokenizer();
    EXPECT_EQ(tokenizer->encode("<|endoftext|><think></think><answer></answer>"),
              (Ids{256, 257, 258, 259, 260}));
    EXPECT_EQ(tokenizer->encode("a<think>b"), (Ids{'a', 257, 'b'}));
    EXPECT_EQ(tokenizer->end_of_text(), 256);
    EXPECT_EQ(tokenizer->vocabulary_size(), 261);
}

TEST(ByteTokenizer, PartsOfSpecialNamesStayBytes) {
    const auto tokenizer = make_byte_tokenizer();
    EXPECT_EQ(tokenizer->encode("<thin"), (Ids{'<', 't', 'h', 'i', 'n'}));
    EXPECT_EQ(tokenizer->encode("<<think>"), (Ids{'<', 257}));
}

TEST(ByteTokenizer, PlainTextNeverHasSpecialIds) {
    for (const std::int32_t id :
         make_byte_tokenizer()->encode_plain("<think>1</think><|endoftext|>")) {
        EXPECT_LT(id, 256);
    }
}

TEST(ByteTokenizer, IdsThatDoNotExistThrowAndAreNamed) {
    const auto tokenizer = make_byte_tokenizer();
    for (const std::int32_t id : {-1, 261, 1'000'000, INT32_MIN, INT32_MAX}) {
        try {
            tokenizer->decode({'a', id});
            FAIL() << "expected Error for " << id;
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find("token id " + std::to_string(id)),
                      std::string::npos);
        }
    }
}

TEST(ByteTokenizer, TheFingerprintIsThatOfSavedCheckpoints) {
    EXPECT_EQ(make_byte_tokenizer()->fingerprint(), "byte-1:c6df5c2065db79ce");
}

}  // namespace
}  // namespace r1
