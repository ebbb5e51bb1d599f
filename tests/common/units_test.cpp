// SPDX-License-Identifier: Apache-2.0
#include "common/units.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/common/message_of.h"

namespace r1 {

namespace {

using Refusals = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST(ParseDuration, UnitsAddUp) {
    EXPECT_EQ(parse_duration("4d").seconds, 4 * 86400);
    EXPECT_EQ(parse_duration("90m").seconds, 5400);
    EXPECT_EQ(parse_duration("1h30m").seconds, 5400);
    EXPECT_EQ(parse_duration("1d2h3m4s").seconds, 93784);
    EXPECT_EQ(parse_duration("0s").seconds, 0);
    EXPECT_EQ(parse_duration("007s").seconds, 7);
}

TEST(ParseDuration, RefusalsSayWhatToWrite) {
    const std::string generic = " is not a duration; write it as in 4d, 1h30m or 90s";
    const std::string clock = " is not a duration; write it with units, as in 4d, 1h30m or 90s";
    const Refusals refusals{
        {"", generic},
        {"abc", generic},
        {"-5s", generic},
        {"-0s", generic},
        {"1h-0m", generic},
        {" 5s", generic},
        {"1h 30m", generic},
        {"24", " has no unit; write d, h, m or s after the number"},
        {"1h30", " has no unit; write d, h, m or s after the number"},
        {"5w", " has an unknown unit; durations use d, h, m and s"},
        {"1.5h", " has an unknown unit; durations use d, h, m and s"},
        {"5H", " has an unknown unit; durations use d, h, m and s"},
        {"30m1h", " has its units out of order; write d, h, m, s"},
        {"1h1h", " has its units out of order; write d, h, m, s"},
        {"24:00", " could mean 24h0m or 24m0s; write the one you mean"},
        {"1:30", " could mean 1h30m or 1m30s; write the one you mean"},
        {"1:2:3", clock},
        {"1-00:00", clock},
        {":", clock},
        {"1:", clock},
    };
    for (const auto& [text, why] : refusals)
        EXPECT_EQ(message_of([&] { parse_duration(text); }), "'" + text + "'" + why);
}

TEST(ParseDuration, OverflowIsTooLong) {
    for (const std::string text : {"99999999999999999999s", "9223372036854775807d",
                                   "106751991167300d16h", "9223372036854775807s"})
        EXPECT_EQ(message_of([&] { parse_duration(text); }),
                  "'" + text + "' is too long a duration");
}

TEST(DurationToString, RoundTrips) {
    for (const char* text : {"0s", "1s", "59m59s", "1h30m", "4d", "1d2h3m4s", "400d"})
        EXPECT_EQ(to_string(parse_duration(text)), text);
    EXPECT_EQ(to_string(parse_duration("90m")), "1h30m");
}

TEST(ParseBytes, BinaryAndDecimalUnitsAreExact) {
    EXPECT_EQ(parse_bytes("64GiB").count, std::int64_t{64} << 30);
    EXPECT_EQ(parse_bytes("1.5MiB").count, 1'572'864);
    EXPECT_EQ(parse_bytes("4096B").count, 4096);
    EXPECT_EQ(parse_bytes("10GB").count, 10'000'000'000);
    EXPECT_EQ(parse_bytes("4.35KB").count, 4350);
    EXPECT_EQ(parse_bytes("2.0B").count, 2);
    EXPECT_EQ(parse_bytes("0B").count, 0);
    EXPECT_EQ(parse_bytes("9007199254740993B").count, 9'007'199'254'740'993);
}

TEST(ParseBytes, RefusalsSayWhatToWrite) {
    const std::string generic = " is not a size; write it as in 64GiB or 512MiB";
    const std::string unit =
        " has an unknown unit; sizes use B, KiB, MiB, GiB, TiB, KB, MB, GB and TB";
    const Refusals refusals{
        {"", generic},
        {"GiB", generic},
        {"-1B", generic},
        {"-0B", generic},
        {"infB", generic},
        {"nanGiB", generic},
        {".5GiB", generic},
        {"5.GiB", generic},
        {"64", " has no unit; write B, KiB, MiB, GiB or TiB after the number"},
        {"64G", unit},
        {"64 GiB", unit},
        {"64gib", unit},
        {"1e3B", unit},
        {"1.5B", " is not a whole number of bytes"},
        {"0.0001KiB", " is not a whole number of bytes"},
        {"9000000TiB", " is too large a size"},
        {"99999999999999999999B", " is too large a size"},
    };
    for (const auto& [text, why] : refusals)
        EXPECT_EQ(message_of([&] { parse_bytes(text); }), "'" + text + "'" + why);
}

TEST(BytesToString, LargestUnitThatDivides) {
    EXPECT_EQ(to_string(Bytes{0}), "0B");
    EXPECT_EQ(to_string(Bytes{4096}), "4KiB");
    EXPECT_EQ(to_string(Bytes{4097}), "4097B");
    EXPECT_EQ(to_string(Bytes{std::int64_t{64} << 30}), "64GiB");
    EXPECT_EQ(to_string(Bytes{16'000'000}), "15625KiB");
}

TEST(BytesToString, RoundTrips) {
    for (const std::int64_t count :
         {std::int64_t{1}, std::int64_t{1'572'864}, std::int64_t{10'000'000'000},
          std::int64_t{9'007'199'254'740'993}, INT64_MAX - 1})
        EXPECT_EQ(parse_bytes(to_string(Bytes{count})).count, count);
}

}  // namespace r1
