// SPDX-License-Identifier: Apache-2.0
// Files that are no YAML, or more YAML than a recipe may hold.
#include <sys/stat.h>

#include <filesystem>

#include "tests/recipes/recipe_fixture.h"

namespace r1::testing {

using RecipeText = RecipeTest;

TEST_F(RecipeText, GoodRecipeHasNoProblems) {
    EXPECT_EQ(report(kGood), "");
}

TEST_F(RecipeText, MissingFileIsNamed) {
    EXPECT_EQ(report_of_file("no.yaml"),
              "no.yaml:1:1: cannot open the recipe: No such file or directory");
}

TEST_F(RecipeText, FolderPipeAndDeviceAreRefusedWithoutBlocking) {
    EXPECT_EQ(report_of_file("."), ".:1:1: this is a folder, not a recipe file");
    ASSERT_EQ(::mkfifo("pipe", 0600), 0);
    EXPECT_EQ(report_of_file("pipe"), "pipe:1:1: this is a pipe, not a recipe file");
    EXPECT_EQ(report_of_file("/dev/zero"), "/dev/zero:1:1: this is a device, not a recipe file");
}

/// To read it would take minutes and more memory than there is.
TEST_F(RecipeText, HundredGigabytesAreRefusedUnread) {
    write("r.yaml", "name: r\n");
    std::filesystem::resize_file("r.yaml", std::uintmax_t{100} << 30);
    EXPECT_EQ(report_of_file("r.yaml"),
              "r.yaml:1:1: the file is larger than 1 MiB, the most a recipe may have; is it a "
              "recipe?");
}

TEST_F(RecipeText, EmptyFileAndCommentsSaySo) {
    EXPECT_EQ(report(""), "r.yaml:1:1: the recipe is empty");
    EXPECT_EQ(report("# x\n"), "r.yaml:1:1: the recipe is empty\n  # x\n  ^");
}

TEST_F(RecipeText, NoMapSaysWhatARecipeIs) {
    EXPECT_EQ(report("- a\n"),
              "r.yaml:1:1: a recipe is a map of keys, as in 'name: tiny'\n  - a\n  ^");
    EXPECT_EQ(report("name:x\n"),
              "r.yaml:1:1: a recipe is a map of keys; write a space after the ':'\n  name:x\n  ^");
}

TEST_F(RecipeText, EveryTabInTheIndentationIsShown) {
    EXPECT_EQ(report("name: r\nmodel:\n\thidden_size: 8\n \tx: 1\n"),
              "r.yaml:3:1: a tab in the indentation; YAML indents with spaces only\n"
              "   hidden_size: 8\n  ^\n"
              "r.yaml:4:2: a tab in the indentation; YAML indents with spaces only\n"
              "    x: 1\n   ^");
}

TEST_F(RecipeText, InvalidUtf8PointsAtTheByte) {
    EXPECT_EQ(report("name: caf\xE9 x\n"),
              "r.yaml:1:10: byte \\xE9 is not UTF-8, as a recipe must be\n"
              "  name: caf\\xE9 x\n           ^");
    EXPECT_NE(report(std::string_view("\xFF\xFEn\0", 4)).find("the file is UTF-16"),
              std::string::npos);
}

TEST_F(RecipeText, ControlCharactersAreRefusedAndNeverPrinted) {
    EXPECT_EQ(report(std::string_view("name: a\0b\n", 10)),
              "r.yaml:1:8: control character \\x00 in the text\n  name: a\\x00b\n         ^");
    EXPECT_EQ(report("\x1B[31mname: a\n").find('\x1B'), std::string::npos);
    EXPECT_EQ(report("name: a\rseed: 1\r"),
              "r.yaml:1:8: a carriage return without a line feed\n"
              "  name: a\\x0Dseed: 1\n         ^");
    EXPECT_NE(report(broken("name: r", "name: \"\\e[31m\"")).find("'\\x1B[31m'"),
              std::string::npos);
}

TEST_F(RecipeText, ByteOrderMarkAndWindowsLineEndsAreFine) {
    std::string text = "\xEF\xBB\xBF" + std::string(kGood);
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
        text.insert(at, "\r");
    EXPECT_EQ(report(text), "");
}

TEST_F(RecipeText, AliasBombIsNeverExpanded) {
    const std::string text = report("a: &a [x, x]\nb: [*a, *a]\n");
    EXPECT_NE(text.find("r.yaml:1:4: an anchor (&name); write the value out, or use 'base:'\n"
                        "  a: &a [x, x]\n     ^"),
              std::string::npos);
    EXPECT_NE(text.find("r.yaml:2:5: an alias (*name)"), std::string::npos);
    EXPECT_NE(text.find("r.yaml:2:9: an alias (*name)"), std::string::npos);
    EXPECT_EQ(report(broken("name: r", "name: *x")),
              "r.yaml:1:7: an alias (*name); write the value out, or use 'base:'\n"
              "  name: *x\n        ^");
}

TEST_F(RecipeText, TagsAreRefused) {
    for (const std::string_view value : {"!!str r", "!x r", "! r"})
        EXPECT_EQ(report(broken("name: r", "name: " + std::string(value))),
                  "r.yaml:1:7: a tag (!name); a recipe has none\n  name: " + std::string(value) +
                      "\n        ^");
}

TEST_F(RecipeText, DeepNestingStopsAtSixteenLevels) {
    for (const std::string_view unit : {"[", "{a: ", "- "}) {
        std::string text = unit == "- " ? "" : "a: ";
        for (int i = 0; i < 100'000; ++i) text += unit;
        EXPECT_NE(report(text).find(": nested deeper than 16 levels\n"), std::string::npos) << unit;
    }
}

TEST_F(RecipeText, TooManyValuesStopTheParse) {
    std::string text = "a: [";
    for (int i = 0; i < 100'000; ++i) text += "{a: 1},";
    EXPECT_NE(report(text).find("more than 6000 values; a recipe needs far fewer"),
              std::string::npos);
}

TEST_F(RecipeText, SecondDocumentIsRefused) {
    EXPECT_EQ(report(std::string(kGood) + "---\nname: x\n"),
              "r.yaml:15:1: a second YAML document; a recipe is one document\n  ---\n  ^");
}

TEST_F(RecipeText, DuplicateKeyNamesBothPlaces) {
    EXPECT_EQ(report(broken("name: r\n", "name: r\nname: s\n")),
              "r.yaml:2:1: duplicate key 'name', already at r.yaml:1:1\n  name: s\n  ^");
}

TEST_F(RecipeText, SyntaxErrorsPointAtTheLineAtFault) {
    EXPECT_EQ(report(broken("  hidden_size: 8", "  hidden_size:8")),
              "r.yaml:3:3: not valid YAML: write a space after the ':'\n    hidden_size:8\n    ^");
    EXPECT_EQ(report(broken("name: r", "name r")),
              "r.yaml:1:1: not valid YAML: this line is no 'key: value'\n  name r\n  ^");
    EXPECT_EQ(report(broken("name: r", "name: a: b")),
              "r.yaml:1:8: not valid YAML: a second ':' on the line; quote a text that holds one\n"
              "  name: a: b\n         ^");
    EXPECT_EQ(report(broken("  intermediate_size", "   intermediate_size")),
              "r.yaml:4:4: not valid YAML: indented deeper than the key above, which has its value "
              "already\n     intermediate_size: 8\n     ^");
    EXPECT_EQ(report(broken("  intermediate_size", " intermediate_size")),
              "r.yaml:4:2: not valid YAML: this line's indentation fits no map above it\n"
              "   intermediate_size: 8\n   ^");
    EXPECT_EQ(report(broken("- name: rl", "-name: rl")),
              "r.yaml:11:3: not valid YAML: write a space after the '-'\n    -name: rl\n    ^");
}

TEST_F(RecipeText, WhatIsNotClosedIsShownWhereItOpens) {
    EXPECT_EQ(report(broken("name: r", "name: \"r")),
              "r.yaml:1:7: a quoted text is not closed on its line\n  name: \"r\n        ^");
    EXPECT_EQ(report(broken("name: r", "name: [r")),
              "r.yaml:1:7: not valid YAML: a '[' is not closed\n  name: [r\n        ^");
}

TEST_F(RecipeText, LongLineIsCutAroundTheCaret) {
    const std::string text = report(broken("name: r", "name: " + std::string(5000, 'X')));
    EXPECT_LT(text.size(), 400u);
    EXPECT_NE(text.find("XXX...\n        ^"), std::string::npos);
}

TEST_F(RecipeText, CaretStandsUnderTheRightCharacter) {
    // Two columns for each wide character, four for what is shown escaped.
    EXPECT_EQ(report(broken("stages:", "task: {\"日本\": 1, kidn: sort}\nstages:")),
              "r.yaml:7:8: unknown key '日本'\n"
              "  task: {\"日本\": 1, kidn: sort}\n         ^\n"
              "r.yaml:7:17: unknown key 'kidn'; did you mean 'kind'?\n"
              "  task: {\"日本\": 1, kidn: sort}\n" +
                  std::string(20, ' ') + "^");
    EXPECT_EQ(report(broken("name: r", "name: a\xE2\x80\xAE b: c")),
              "r.yaml:1:11: not valid YAML: a second ':' on the line; quote a text that holds one\n"
              "  name: a\\u202E b: c\n" +
                  std::string(17, ' ') + "^");
}

}  // namespace r1::testing
