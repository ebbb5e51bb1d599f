// SPDX-License-Identifier: Apache-2.0
#include "common/text.h"

#include <gtest/gtest.h>

namespace r1 {

TEST(EditDistance, CountsInsertDeleteReplaceAndSwap) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("abc", ""), 3u);
    EXPECT_EQ(edit_distance("nodes", "node"), 1u);
    EXPECT_EQ(edit_distance("nodes", "modes"), 1u);
    EXPECT_EQ(edit_distance("nodes", "ndoes"), 1u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
    EXPECT_EQ(edit_distance("ca", "abc"), 3u);
}

TEST(Nearest, MisspelledKeyFindsTheRightOne) {
    const std::vector<std::string> keys{"nodes", "gpus_per_node", "walltime"};
    EXPECT_EQ(nearest("gpus_per_nod", keys), "gpus_per_node");
    EXPECT_EQ(nearest("wall_time", keys), "walltime");
    EXPECT_EQ(nearest("ndoes", keys), "nodes");
}

TEST(Nearest, NothingNearGivesNothing) {
    const std::vector<std::string> keys{"nodes", "lr"};
    EXPECT_EQ(nearest("temperature", keys), std::nullopt);
    EXPECT_EQ(nearest("", keys), std::nullopt);
    EXPECT_EQ(nearest("kp", keys), std::nullopt);
    EXPECT_EQ(nearest("nodes", {}), std::nullopt);
    EXPECT_EQ(nearest(std::string(65, 'n'), {std::string(65, 'n')}), std::nullopt);
}

TEST(FindInvalidUtf8, ValidTextHasNone) {
    for (const char* text : {"", "abc", "\x7F", "\xC2\x80", "ñ", "\xE0\xA0\x80", "\xED\x9F\xBF",
                             "€", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "😀"})
        EXPECT_EQ(find_invalid_utf8(text), std::nullopt) << text;
    EXPECT_EQ(find_invalid_utf8(std::string_view("a\0b", 3)), std::nullopt);
}

TEST(FindInvalidUtf8, OffsetOfTheFirstBadSequenceIsGiven) {
    for (const char* bad : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2 ", "\xE0\x9F\xBF",
                            "\xE2\x82", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF",
                            "\xF0\x90\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF"})
        EXPECT_EQ(find_invalid_utf8("ok€" + std::string(bad)), 5u) << bad;
}

TEST(Printable, ControlsAndInvalidBytesAreEscaped) {
    EXPECT_EQ(printable("plain ñ €"), "plain ñ €");
    EXPECT_EQ(printable("a\tb\nc\x1B[31m\x7F"), "a\\x09b\\x0Ac\\x1B[31m\\x7F");
    EXPECT_EQ(printable("\xFFok\xE2\x82"), "\\xFFok\\xE2\\x82");
    EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

TEST(Printable, EightBitControlsAreEscapedAndTheirNeighboursAreNot) {
    EXPECT_EQ(printable("\xC2\x9B"
                        "31m"),
              "\\xC2\\x9B31m");
    EXPECT_EQ(printable("\xC2\x80\xC2\x9F\xC2\xA0"), "\\xC2\\x80\\xC2\\x9F\xC2\xA0");
}

}  // namespace r1
