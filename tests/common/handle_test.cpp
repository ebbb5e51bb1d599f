// SPDX-License-Identifier: Apache-2.0
#include "common/handle.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <vector>

namespace r1 {

namespace {

std::vector<int>& closed() {
    static std::vector<int> numbers;
    return numbers;
}

struct NumberTraits {
    using Raw = int;
    static int null() noexcept { return -1; }
    static void close(int number) noexcept { closed().push_back(number); }
};
using Number = Handle<NumberTraits>;
using Numbers = std::vector<int>;

class HandleTest : public testing::Test {
  protected:
    HandleTest() { closed().clear(); }
};

static_assert(!std::is_copy_constructible_v<Number>);
static_assert(!std::is_copy_assignable_v<Number>);
static_assert(std::is_nothrow_move_constructible_v<Number>);
static_assert(std::is_nothrow_move_assignable_v<Number>);

}  // namespace

TEST_F(HandleTest, DestructionClosesOnce) {
    { const Number number{7}; }
    EXPECT_EQ(closed(), Numbers{7});
}

TEST_F(HandleTest, NullIsNeverClosed) {
    { const Number number; }
    EXPECT_TRUE(closed().empty());
}

TEST_F(HandleTest, ZeroIsAValueLikeAnyOther) {
    {
        const Number number{0};
        EXPECT_TRUE(number);
    }
    EXPECT_EQ(closed(), Numbers{0});
}

TEST_F(HandleTest, MoveConstructionEmptiesTheSource) {
    {
        Number source{7};
        const Number target{std::move(source)};
        EXPECT_FALSE(source);
        EXPECT_EQ(target.get(), 7);
    }
    EXPECT_EQ(closed(), Numbers{7});
}

TEST_F(HandleTest, MoveAssignmentClosesTheOldAndEmptiesTheSource) {
    Number target{1};
    Number source{2};
    target = std::move(source);
    EXPECT_EQ(closed(), Numbers{1});
    EXPECT_FALSE(source);
    EXPECT_EQ(target.get(), 2);
}

TEST_F(HandleTest, MoveAssignmentToItselfKeepsTheValue) {
    Number number{7};
    Number& same = number;
    number = std::move(same);
    EXPECT_EQ(number.get(), 7);
    EXPECT_TRUE(closed().empty());
}

TEST_F(HandleTest, ReleaseHandsTheValueOver) {
    {
        Number number{7};
        EXPECT_EQ(number.release(), 7);
        EXPECT_FALSE(number);
    }
    EXPECT_TRUE(closed().empty());
}

}  // namespace r1
