// SPDX-License-Identifier: Apache-2.0
#include "common/time.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace r1 {

TEST(UtcText, KnownMoments) {
    EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(utc_text(951'782'400'999), "2000-02-29T00:00:00Z");
    EXPECT_EQ(utc_text(1'795'292'761'000), "2026-11-21T20:26:01Z");
}

TEST(UtcText, NumbersOfADamagedRecordGiveSomeText) {
    EXPECT_FALSE(utc_text(std::numeric_limits<std::int64_t>::max()).empty());
    EXPECT_FALSE(utc_text(std::numeric_limits<std::int64_t>::min()).empty());
}

TEST(UtcMilliseconds, IsAfterThisFileWasWritten) {
    EXPECT_GT(utc_milliseconds(), 1'700'000'000'000);
}

TEST(MonotonicSeconds, NeverGoesBack) {
    const double before = monotonic_seconds();
    EXPECT_GE(monotonic_seconds(), before);
}

TEST(ShortDuration, TwoLargestUnitsAreShown) {
    EXPECT_EQ(short_duration(0), "0.0s");
    EXPECT_EQ(short_duration(41.31), "41.3s");
    EXPECT_EQ(short_duration(59.94), "59.9s");
    EXPECT_EQ(short_duration(127), "2m07s");
    EXPECT_EQ(short_duration(3 * 3600 + 12 * 60 + 5), "3h12m");
    EXPECT_EQ(short_duration(4 * 86400 + 3 * 3600), "4d03h");
}

TEST(ShortDuration, RoundingCarriesIntoTheNextUnit) {
    EXPECT_EQ(short_duration(59.96), "1m00s");
    EXPECT_EQ(short_duration(3599.6), "1h00m");
    EXPECT_EQ(short_duration(86399.7), "1d00h");
}

TEST(ShortDuration, NoNumberIsUnknown) {
    EXPECT_EQ(short_duration(std::nan("")), "unknown");
    EXPECT_EQ(short_duration(std::numeric_limits<double>::infinity()), "unknown");
    EXPECT_EQ(short_duration(1e30), "unknown");
}

TEST(ParseUtc, ReadsADayAndAMoment) {
    EXPECT_EQ(parse_utc("1970-01-01"), 0);
    EXPECT_EQ(parse_utc("1970-01-02T00:00:01Z"), 86'401'000);
    EXPECT_EQ(utc_text(parse_utc("2026-11-21T20:26:01Z").value()), "2026-11-21T20:26:01Z");
    EXPECT_EQ(utc_text(parse_utc("2024-02-29").value()), "2024-02-29T00:00:00Z");
}

TEST(ParseUtc, RefusesWhatIsNoMoment) {
    for (const char* text :
         {"", "2026", "2026-1-1", "2026-02-29", "2026-13-01", "2026-11-21 20:26:01",
          "2026-11-21T24:00:00Z", "2026-11-21T20:60:00Z", "2026-11-21T20:26:01", "2026-11-2x"})
        EXPECT_FALSE(parse_utc(text)) << text;
}

}  // namespace r1
