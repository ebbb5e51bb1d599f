// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/rollout/sequence_pages.h"

#include <gtest/gtest.h>

#include "tests/mpi_runtime/model/small_model.h"

namespace r1 {
namespace {

struct SequencePagesTest : testing::Test {
    std::unique_ptr<Backend<float>> backend = make_reference_backend<float>();
    KeyValueCache<float> cache{*backend, test::small_shape(false, false), 8, 4};
};

TEST_F(SequencePagesTest, GrowTakesJustTheWholePagesThatTokensNeed) {
    SequencePages<float> pages(cache);
    pages.grow(4);
    EXPECT_EQ(pages.pages().size(), 1u);
    pages.grow(5);
    EXPECT_EQ(pages.pages().size(), 2u);
    pages.grow(3);
    EXPECT_EQ(pages.pages().size(), 2u);
    EXPECT_EQ(cache.free_pages(), 6);
}

TEST_F(SequencePagesTest, SharedPrefixCopiesOnlyThePartlyFilledPage) {
    SequencePages<float> prompt(cache);
    prompt.grow(6);
    cache.layer(0).keys[static_cast<std::size_t>(prompt.pages()[1]) * 4 * 12] = 42.0f;
    SequencePages<float> sample(cache);
    sample.share_prefix(prompt, 6);
    EXPECT_EQ(sample.pages()[0], prompt.pages()[0]);
    EXPECT_NE(sample.pages()[1], prompt.pages()[1]);
    EXPECT_EQ(cache.layer(0).keys[static_cast<std::size_t>(sample.pages()[1]) * 4 * 12], 42.0f);
    EXPECT_EQ(cache.free_pages(), 5);
}

TEST_F(SequencePagesTest, SharedPageIsFreeOnlyWhenItsLastUserIsGone) {
    auto prompt = std::make_unique<SequencePages<float>>(cache);
    prompt->grow(4);
    {
        SequencePages<float> sample(cache);
        sample.share_prefix(*prompt, 4);
        prompt.reset();
        EXPECT_EQ(cache.free_pages(), 7);
    }
    EXPECT_EQ(cache.free_pages(), 8);
}

TEST_F(SequencePagesTest, EmptyCacheRefusesAnotherPage) {
    SequencePages<float> pages(cache);
    pages.grow(32);
    EXPECT_THROW(pages.grow(33), std::runtime_error);
}

}  // namespace
}  // namespace r1
