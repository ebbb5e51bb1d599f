// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/manifest.h"

#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "checkpoint/hash.h"
#include "common/file.h"
#include "common/json.h"
#include "tests/checkpoint/damage.h"

namespace r1 {
namespace {

const std::string kDigits(32, 'a');

Manifest small_manifest() {
    Manifest manifest;
    manifest.step = 100;
    manifest.run_id = "run";
    manifest.written_at = "2026-11-21T20:26:01Z";
    manifest.keep = true;
    manifest.state = "{\"a\": \"\\u00e9\"}";
    manifest.files = {{"x.h5", 1000, kDigits}};
    manifest.tensors = {{"a", TensorType::kFloat32, {2, 3}, "x.h5", 100, 24, kDigits},
                        {"b/c", TensorType::kInt64, {}, "x.h5", 124, 8, kDigits},
                        {"b/empty", TensorType::kUint8, {0}, "x.h5", 0, 0, kDigits}};
    return manifest;
}

// A manifest whose own hash is right, whatever it says.
std::string sign(const std::string& body) {
    return body + "xxh3-128 " + hash_hex(body) + "\n";
}

std::string body_of(const Manifest& manifest) {
    const std::string text = encode_manifest(manifest);
    return text.substr(0, text.rfind("xxh3-128 "));
}

std::string error_after(const std::function<void(Json&)>& change) {
    Json record = Json::parse(body_of(small_manifest()));
    change(record);
    const std::string text = sign(record.dump(1) + "\n");
    return error_of([&] { decode_manifest(text, "m.json"); });
}

TEST(Manifest, ReadsBackAsWritten) {
    const Manifest expected = small_manifest();
    const Manifest read = decode_manifest(encode_manifest(expected), "m.json");
    EXPECT_EQ(read.step, 100);
    EXPECT_EQ(read.run_id, "run");
    EXPECT_EQ(read.written_at, expected.written_at);
    EXPECT_TRUE(read.keep);
    EXPECT_EQ(read.state, expected.state);
    ASSERT_EQ(read.tensors.size(), 3u);
    EXPECT_EQ(read.tensor("a").shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(read.tensor("b/c").type, TensorType::kInt64);
    EXPECT_EQ(read.tensor("b/c").offset, 124u);
    EXPECT_EQ(encode_manifest(read), encode_manifest(expected));
}

TEST(Manifest, UnknownTensorIsNamed) {
    const std::string text = error_of([] { small_manifest().tensor("nope"); });
    EXPECT_NE(text.find("'nope'"), std::string::npos) << text;
}

TEST(Manifest, AnyChangedBitIsFound) {
    const std::string good = encode_manifest(small_manifest());
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
        EXPECT_FALSE(error_of([&] { decode_manifest(bad, "m.json"); }).empty()) << i;
    }
}

TEST(Manifest, AnyTruncationIsFound) {
    const std::string good = encode_manifest(small_manifest());
    for (std::size_t i = 0; i < good.size(); ++i)
        EXPECT_FALSE(error_of([&] { decode_manifest(good.substr(0, i), "m.json"); }).empty()) << i;
}

TEST(Manifest, NewerMajorIsRefusedAndUnknownKeysAreIgnored) {
    const std::string text = error_after([](Json& m) { m["format_major"] = 2; });
    EXPECT_NE(text.find("read it with the r1ctl that wrote it"), std::string::npos) << text;
    EXPECT_EQ(error_after([](Json& m) {
                  m["format_minor"] = 7;
                  m["new"] = {1, 2};
                  m["tensors"][0]["new"] = "x";
              }),
              "");
}

TEST(Manifest, FilesOutsideTheFolderAreRefused) {
    for (const char* name : {"../x.h5", "/etc/passwd", "..", ".", "", "a/b"}) {
        const std::string text = error_after([&](Json& m) {
            m["files"][0]["name"] = name;
            for (Json& tensor : m["tensors"]) tensor["file"] = name;
        });
        EXPECT_NE(text.find("no file name"), std::string::npos) << name << text;
    }
    EXPECT_NE(error_after([](Json& m) { m["tensors"][0]["file"] = "y.h5"; }).find("not listed"),
              std::string::npos);
}

TEST(Manifest, ShapesThatOverflowOrDoNotFitTheBytesAreRefused) {
    const auto with_shape = [](const Json& shape) {
        return error_after([&](Json& m) { m["tensors"][0]["shape"] = shape; });
    };
    EXPECT_NE(with_shape({3, 3}).find("does not fit its bytes"), std::string::npos);
    EXPECT_NE(with_shape({1LL << 32, 1LL << 32}).find("impossible shape"), std::string::npos);
    EXPECT_NE(with_shape({1LL << 62, 2, 3}).find("impossible shape"), std::string::npos);
    EXPECT_NE(with_shape(std::vector<int>(33, 1)).find("impossible shape"), std::string::npos);
    EXPECT_NE(with_shape({-1, -6}).find("not a number"), std::string::npos);
    EXPECT_NE(with_shape({2.5, 2}).find("not a number"), std::string::npos);
    EXPECT_NE(with_shape("2x3").find("no list"), std::string::npos);
}

TEST(Manifest, TensorsBeyondTheFileOrOverEachOtherAreRefused) {
    const auto with_offset = [](std::uint64_t offset) {
        return error_after([&](Json& m) { m["tensors"][0]["offset"] = offset; });
    };
    EXPECT_EQ(with_offset(976), "");
    EXPECT_NE(with_offset(977).find("beyond the end"), std::string::npos);
    EXPECT_NE(with_offset((std::uint64_t{1} << 63) - 8).find("beyond the end"), std::string::npos);
    EXPECT_NE(with_offset(~std::uint64_t{0} - 8).find("not a number"), std::string::npos);
    EXPECT_NE(with_offset(101).find("overlaps"), std::string::npos);
}

TEST(Manifest, DuplicateNamesAreRefused) {
    EXPECT_NE(error_after([](Json& m) { m["tensors"].push_back(m["tensors"][0]); }).find("twice"),
              std::string::npos);
    EXPECT_NE(error_after([](Json& m) { m["files"].push_back(m["files"][0]); }).find("twice"),
              std::string::npos);
}

TEST(Manifest, WrongTypesAndMissingKeysAreRefused) {
    const Json good = Json::parse(body_of(small_manifest()));
    for (const auto& [key, unused] : good.items()) {
        if (key == "format_minor") continue;
        EXPECT_FALSE(error_after([&](Json& m) { m.erase(key); }).empty()) << key;
        EXPECT_FALSE(error_after([&](Json& m) { m[key] = nullptr; }).empty()) << key;
        EXPECT_FALSE(error_after([&](Json& m) { m[key] = -1; }).empty()) << key;
    }
    for (const auto& [key, unused] : good["tensors"][0].items()) {
        EXPECT_FALSE(error_after([&](Json& m) { m["tensors"][0].erase(key); }).empty()) << key;
        EXPECT_FALSE(error_after([&](Json& m) { m["tensors"][0][key] = Json::object(); }).empty())
            << key;
    }
    EXPECT_FALSE(error_after([](Json& m) { m["tensors"][0] = 7; }).empty());
    EXPECT_FALSE(error_after([](Json& m) { m["tensors"][0]["type"] = "float31"; }).empty());
    EXPECT_FALSE(error_after([](Json& m) { m["tensors"][0]["xxh3_128"] = "zz"; }).empty());
    EXPECT_FALSE(error_after([](Json& m) { m["tensors"][0]["name"] = "a/../b"; }).empty());
}

TEST(Manifest, DeepOrBrokenJsonIsRefused) {
    const std::string deep = "{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}";
    for (const std::string& body : {deep, std::string("[]"), std::string("{"), std::string(),
                                    std::string("{\"a\": \"\xff\"}")})
        EXPECT_FALSE(error_of([&] { decode_manifest(sign(body), "m.json"); }).empty());
}

TEST(Manifest, TextThatIsNoUtf8CannotBeWritten) {
    Manifest manifest = small_manifest();
    manifest.state = "\xff";
    EXPECT_FALSE(error_of([&] { encode_manifest(manifest); }).empty());
}

TEST(ReadManifest, MissingHugeLinkedOrBlockingFilesAreRefused) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "manifest.json";
    const auto problem = [&] { return error_of([&] { read_manifest(folder.path()); }); };
    EXPECT_NE(problem().find("No such file"), std::string::npos);

    write_bytes(path, "x");
    ASSERT_EQ(::truncate(path.c_str(), (64 << 20) + 1), 0);
    EXPECT_NE(problem().find("larger than 64 MiB"), std::string::npos);

    std::filesystem::remove(path);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_NE(problem().find("not a regular file"), std::string::npos);

    std::filesystem::remove(path);
    write_bytes(path, encode_manifest(small_manifest()));
    EXPECT_NE(problem().find("x.h5"), std::string::npos);
    std::filesystem::create_symlink("/etc/passwd", folder.path() / "x.h5");
    EXPECT_NE(problem().find("x.h5"), std::string::npos);
    std::filesystem::remove(folder.path() / "x.h5");
    write_bytes(folder.path() / "x.h5", std::string(999, 'x'));
    EXPECT_NE(problem().find("999 bytes"), std::string::npos);
    write_bytes(folder.path() / "x.h5", std::string(1000, 'x'));
    EXPECT_EQ(problem(), "");
}

}  // namespace
}  // namespace r1
