// SPDX-License-Identifier: Apache-2.0
#include "common/json.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"
#include "tests/common/message_of.h"
#include "tests/common/temporary_folder.h"

namespace r1 {

namespace {

std::string nested(int levels) {
    std::string text = R"({"a":)";
    for (int i = 0; i < levels; ++i) text += '[';
    for (int i = 0; i < levels; ++i) text += ']';
    return text + "}";
}

}  // namespace

TEST(ParseJsonObject, KeepsTheOrderOfKeys) {
    EXPECT_EQ(parse_json_object(R"({"z": 1, "a": [true, null]})", "x").dump(),
              R"({"z":1,"a":[true,null]})");
}

TEST(ParseJsonObject, AnythingButAnObjectNamesItsOrigin) {
    EXPECT_EQ(message_of([] { parse_json_object("[1]", "r.json"); }),
              "cannot read 'r.json': it is not a JSON object");
    for (const char* text : {"", "{", R"({"a":})", "{} x", "\xff", "{\"a\": \"\xff\"}", "nul"})
        EXPECT_EQ(message_of([&] { parse_json_object(text, "r.json"); }).rfind("cannot read", 0),
                  0u)
            << text;
}

TEST(ParseJsonObject, DeepNestingIsRefusedAndShallowIsNot) {
    EXPECT_NO_THROW(parse_json_object(nested(60), "x"));
    EXPECT_EQ(message_of([] { parse_json_object(nested(1'000'000), "x"); }),
              "cannot read 'x': JSON is nested deeper than 64 levels");
}

TEST(ReadRecord, WrittenRecordComesBack) {
    const TemporaryFolder folder;
    const Json record{{"schema", 2}, {"name", "añb"}};
    write_record(folder / "r", record);
    EXPECT_EQ(read_record(folder / "r", 2), record);
    EXPECT_EQ(read_record(folder / "r", 3), record);
}

TEST(ReadRecord, MissingFileIsNothing) {
    const TemporaryFolder folder;
    EXPECT_EQ(read_record(folder / "absent", 1), std::nullopt);
}

TEST(ReadRecord, FileThatCannotBeLookedAtIsNotCalledMissing) {
    const TemporaryFolder folder;
    const std::string loop = (folder / "loop").string();
    ASSERT_EQ(::symlink(loop.c_str(), loop.c_str()), 0);
    EXPECT_EQ(message_of([&] { read_record(loop, 1); }),
              "cannot read '" + loop + "': Too many levels of symbolic links");
}

TEST(ReadRecord, NewerSchemaSaysWhichOneIsKnown) {
    const TemporaryFolder folder;
    const std::string path = (folder / "r").string();
    write_record(path, {{"schema", 3}});
    EXPECT_EQ(message_of([&] { read_record(path, 2); }),
              "'" + path + "' was written by a newer r1ctl (schema 3; this one knows 2)");
}

TEST(ReadRecord, SchemaTooLargeForAnIntIsStillNewer) {
    const TemporaryFolder folder;
    for (const char* schema : {"4294967297", "18446744073709551615"}) {
        write_file_durably(folder / "r", std::string(R"({"schema": )") + schema + "}");
        EXPECT_NE(message_of([&] { read_record(folder / "r", 1); }).find("newer r1ctl"),
                  std::string::npos)
            << schema;
    }
}

TEST(ReadRecord, NoSchemaIsRefused) {
    const TemporaryFolder folder;
    const std::string path = (folder / "r").string();
    for (const char* text : {"{}", R"({"schema": "1"})", R"({"schema": 1.0})"}) {
        write_file_durably(path, text);
        EXPECT_EQ(message_of([&] { read_record(path, 1); }),
                  "'" + path + "' has no schema version");
    }
}

TEST(WriteRecord, BytesThatAreNotUtf8DoNotLoseTheRecord) {
    const TemporaryFolder folder;
    write_record(folder / "r", {{"schema", 1}, {"error", "bad \xff byte"}});
    EXPECT_EQ(read_record(folder / "r", 1)->at("error"), "bad \xEF\xBF\xBD byte");
}

TEST(ReadJsonLines, TornLastLineWaitsForTheNextCall) {
    const TemporaryFolder folder;
    std::uint64_t offset = 0;
    write_file_durably(folder / "m", "{\"step\":1}\n{\"st");
    EXPECT_EQ(read_json_lines(folder / "m", offset), std::vector<Json>{Json({{"step", 1}})});
    EXPECT_EQ(offset, 11u);
    write_file_durably(folder / "m", "{\"step\":1}\n{\"step\":2}\n");
    EXPECT_EQ(read_json_lines(folder / "m", offset), std::vector<Json>{Json({{"step", 2}})});
    EXPECT_TRUE(read_json_lines(folder / "m", offset).empty());
    EXPECT_EQ(offset, 22u);
}

TEST(ReadJsonLines, DamagedLineInTheMiddleIsSkipped) {
    const TemporaryFolder folder;
    std::uint64_t offset = 0;
    write_file_durably(folder / "m",
                       "{\"step\":1}\n{\"st\n[3]\n\n" + nested(100'000) + "\n{\"step\":2}\n");
    EXPECT_EQ(read_json_lines(folder / "m", offset),
              (std::vector<Json>{Json({{"step", 1}}), Json({{"step", 2}})}));
}

TEST(ReadJsonLines, MissingFileOrAnOffsetPastTheEndGivesNothing) {
    const TemporaryFolder folder;
    std::uint64_t offset = 0;
    EXPECT_TRUE(read_json_lines(folder / "absent", offset).empty());
    write_file_durably(folder / "m", "{}\n");
    offset = 1000;
    EXPECT_TRUE(read_json_lines(folder / "m", offset).empty());
    EXPECT_EQ(offset, 1000u);
}

}  // namespace r1
