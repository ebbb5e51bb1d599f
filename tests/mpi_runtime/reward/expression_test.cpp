// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/reward/expression.h"

#include <gtest/gtest.h>

#include <string>

namespace r1 {
namespace {

using Outcome = Evaluation::Outcome;

void expect_value(std::string_view text, std::int64_t numerator, std::int64_t denominator = 1) {
    const Evaluation result = evaluate(text);
    EXPECT_EQ(result.outcome, Outcome::kValue) << text;
    EXPECT_EQ(result.numerator, numerator) << text;
    EXPECT_EQ(result.denominator, denominator) << text;
}

std::string nested(int brackets) {
    const auto count = static_cast<std::size_t>(brackets);
    return std::string(count, '(') + '1' + std::string(count, ')');
}

TEST(Expression, FollowsPrecedenceAndGroupsFromTheLeft) {
    expect_value("2+3*4", 14);
    expect_value("(2+3)*4", 20);
    expect_value("10-4-3", 3);
    expect_value("100/5/2", 10);
    expect_value(" ( 2 + 3 ) * 4 ", 20);
    expect_value("2-5", -3);
}

TEST(Expression, FractionsAreExact) {
    expect_value("8/(3-8/3)", 24);
    expect_value("1/3+1/3+1/3", 1);
    expect_value("1/(2-5)", -1, 3);
    expect_value("6/4", 3, 2);
}

TEST(Expression, TheSignsOfPrintAreTaken) {
    expect_value("6\u00d74\u00f73", 8);
}

TEST(Expression, NumbersAreListedFromLeftToRight) {
    EXPECT_EQ(evaluate("(25+3)*7").numbers, (std::vector<std::int64_t>{25, 3, 7}));
}

TEST(Expression, WhatIsNotAnExpressionIsMalformed) {
    for (const char* text : {"",    " ",     "+",        "1+",    "*1",
                             "-1",  "+1",    "1 2",      "(1",    "1)",
                             "()",  "1()",   "(1)(2)",   "1**2",  "1//2",
                             "1=1", "1.5",   "a",        "01",    "1e3",
                             "1^2", "1\n+1", "\u0661+1", "1\xc3", "1234567890123456789"}) {
        EXPECT_EQ(evaluate(text).outcome, Outcome::kMalformed) << text;
    }
}

TEST(Expression, BracketsDeeperThanTheLimitAreMalformed) {
    expect_value(nested(50), 1);
    EXPECT_EQ(evaluate(nested(51)).outcome, Outcome::kMalformed);
    EXPECT_EQ(evaluate(std::string(1000, '(')).outcome, Outcome::kMalformed);
    EXPECT_EQ(evaluate(std::string(10'000'000, '(')).outcome, Outcome::kMalformed);
}

TEST(Expression, TextLongerThanTheLimitIsMalformed) {
    expect_value("1" + std::string(999, ' '), 1);
    EXPECT_EQ(evaluate("1" + std::string(1000, ' ')).outcome, Outcome::kMalformed);
}

TEST(Expression, DivisionByZeroIsFoundWhereverTheZeroComesFrom) {
    for (const char* text : {"1/0", "1/(2-2)", "0/0", "1/(1/3-2/6)", "1/0+1/0", "(1/0)*0"}) {
        EXPECT_EQ(evaluate(text).outcome, Outcome::kDivisionByZero) << text;
    }
}

TEST(Expression, StepsThatDoNotFitAreOverflows) {
    const std::string large = "999999999999999999";
    for (const std::string& text :
         {large + "*" + large, "1/" + large + "/" + large, large + "*10", "0-" + large + "*10",
          "1/" + large + "+1/999999999999999998", "(" + large + "*" + large + ")/" + large}) {
        EXPECT_EQ(evaluate(text).outcome, Outcome::kOverflow) << text;
    }
    // The most negative number: its absolute value does not fit.
    EXPECT_EQ(evaluate("(0-65536)*65536*65536*32768").outcome, Outcome::kOverflow);
}

}  // namespace
}  // namespace r1
