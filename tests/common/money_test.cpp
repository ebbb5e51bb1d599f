// SPDX-License-Identifier: Apache-2.0
#include "common/money.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/common/message_of.h"

namespace r1 {

namespace {

constexpr std::int64_t kHour = 3'600'000;

std::string cost(std::string_view price, std::int64_t milliseconds) {
    return Money::of(parse_hourly_price(price), milliseconds).to_string();
}

}  // namespace

TEST(ParseHourlyPrice, DecimalsAreExact) {
    EXPECT_EQ(parse_hourly_price("2").micros, 2'000'000);
    EXPECT_EQ(parse_hourly_price("2.00").micros, 2'000'000);
    EXPECT_EQ(parse_hourly_price("0.0135").micros, 13'500);
    EXPECT_EQ(parse_hourly_price("0.000001").micros, 1);
    EXPECT_EQ(parse_hourly_price("0").micros, 0);
    EXPECT_EQ(parse_hourly_price("999999999999.999999").micros, 999'999'999'999'999'999);
}

TEST(ParseHourlyPrice, AnythingElseSaysWhatToWrite) {
    for (const char* text : {"", ".", "2.", ".5", "-1", "+1", "1e3", "1,5", "0x1", " 2", "2 ", "$2",
                             "0.0000001", "1000000000000", "nan", "1.2.3"})
        EXPECT_EQ(message_of([&] { parse_hourly_price(text); }),
                  "'" + std::string(text) +
                      "' is not a price; write a decimal number such as 2.00, with at most six "
                      "decimals and no sign");
}

TEST(HourlyPriceToString, AtLeastTwoDecimalsAndNoMoreThanNeeded) {
    for (const char* text : {"2.00", "0.0135", "0.000001", "0.00", "1.50", "10.123456"})
        EXPECT_EQ(to_string(parse_hourly_price(text)), text);
    EXPECT_EQ(to_string(parse_hourly_price("2")), "2.00");
    EXPECT_EQ(to_string(parse_hourly_price("1.5000")), "1.50");
}

TEST(Money, FiveHundredTwelveGpusFor198HoursAtTwo) {
    EXPECT_EQ(cost("2.00", 512 * 198 * kHour), "202752.00");
}

TEST(Money, OneHundredFortySevenThousandGpuHoursAtTwo) {
    EXPECT_EQ(cost("2", 147'000 * kHour), "294000.00");
}

TEST(Money, CentIsRoundedHalfUp) {
    EXPECT_EQ(cost("0.01", kHour / 2), "0.01");
    EXPECT_EQ(cost("0.01", kHour / 2 - 1), "0.00");
    EXPECT_EQ(cost("0.015", kHour), "0.02");
    EXPECT_EQ(cost("0.014999", kHour), "0.01");
    EXPECT_EQ(cost("0.995", kHour), "1.00");
}

TEST(Money, PartsAreRoundedOnlyWhenTheirSumIsShown) {
    Money sum;
    for (int i = 0; i < 1000; ++i) sum += Money::of(parse_hourly_price("0.001"), kHour);
    EXPECT_EQ(sum.to_string(), "1.00");
    EXPECT_EQ(sum, Money::of(parse_hourly_price("1"), kHour));
}

TEST(Money, LargestPriceForALifetimeDoesNotOverflow) {
    EXPECT_EQ(cost("999999999999.999999", 1'000'000 * kHour), "999999999999999999.00");
}

TEST(Money, NothingIsZero) {
    EXPECT_EQ(Money{}.to_string(), "0.00");
}

TEST(Money, NegativeTimeIsShownWithItsSign) {
    EXPECT_EQ(cost("2.50", -kHour), "-2.50");
    EXPECT_EQ(cost("2.55", -kHour / 3), "-0.85");
    EXPECT_EQ(cost("0.01", -1), "0.00");
}

TEST(Amount, ReadsAndWritesAsAPriceDoes) {
    EXPECT_EQ(to_string(parse_amount("500")), "500.00");
    EXPECT_EQ(to_string(parse_amount("0.000001")), "0.000001");
    EXPECT_NE(message_of([] { parse_amount("1e3"); }).find("'1e3' is not an amount"),
              std::string::npos);
    EXPECT_EQ(Money::of(parse_amount("12.345")).to_string(), "12.35");
}

TEST(Money, IsComparedAndTakenAway) {
    Money money = Money::of(parse_amount("5"));
    EXPECT_LT(Money::of(parse_amount("4.999999")), money);
    money -= Money::of(parse_hourly_price("2"), kHour);
    EXPECT_EQ(money, Money::of(parse_amount("3")));
}

TEST(Money, PaysForSoLong) {
    const Money hourly = Money::of(parse_hourly_price("2"), 4 * kHour);
    EXPECT_EQ(Money::of(parse_amount("12")).milliseconds_at(hourly), 3 * kHour / 2);
    EXPECT_EQ(Money{}.milliseconds_at(hourly), 0);
    Money owed;
    owed -= hourly;
    EXPECT_EQ(owed.milliseconds_at(hourly), 0);
    const Money third = Money::of(parse_hourly_price("0.000003"), kHour);
    EXPECT_EQ(Money::of(parse_amount("0.000001")).milliseconds_at(third), kHour / 3);
    const Money most = Money::of(parse_amount("999999999999"));
    EXPECT_GT(most.milliseconds_at(Money::of(parse_hourly_price("0.000001"), 1)), 0);
}

}  // namespace r1
