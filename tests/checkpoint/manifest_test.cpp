// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/manifest.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "checkpoint/hash.h"
#include "common/file.h"
#include "common/json.h"
#include "tests/checkpoint/damage.h"

namespace r1 {
namespace {

const std::string kDigits(32, 'a');

std::vector<Hash128> hashes(std::size_t count) {
    return std::vector<Hash128>(count, *parse_hex(kDigits));
}

TensorEntry entry(const char* name, TensorType type, std::vector<std::int64_t> shape,
                  std::vector<TensorPiece> pieces) {
    TensorEntry entry;
    static_cast<TensorInfo&>(entry) = {name, type, std::move(shape)};
    entry.pieces = std::move(pieces);
    return entry;
}

Manifest small_manifest() {
    Manifest manifest;
    manifest.step = 100;
    manifest.run_id = "run";
    manifest.written_at = "2026-11-21T20:26:01Z";
    manifest.keep = true;
    manifest.state = "{\"a\": \"\\u00e9\"}";
    manifest.metrics = {{"loss", 0.1}, {"reward", -1e-300}, {"tokens", 12}};
    manifest.block_bytes = 4096;
    manifest.files = {{"x.h5", 1000, kDigits}, {"y.h5", 20000, kDigits}};
    manifest.tensors = {entry("a", TensorType::kFloat32, {2, 3}, {{"x.h5", 100, 0, 24, hashes(1)}}),
                        entry("b/c", TensorType::kInt64, {}, {{"x.h5", 124, 0, 8, hashes(1)}}),
                        entry("b/empty", TensorType::kUint8, {0}, {}),
                        entry("cut", TensorType::kBfloat16, {2, 2049},
                              {{"y.h5", 0, 0, 4097, hashes(2)},
                               {"x.h5", 132, 4097, 3, hashes(1)},
                               {"y.h5", 4097, 4100, 4096, hashes(1)}})};
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

Json& piece_of(Json& manifest) {
    return manifest["tensors"][0]["pieces"][0];
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
    EXPECT_EQ(read.metrics, expected.metrics);
    EXPECT_EQ(read.block_bytes, 4096u);
    ASSERT_EQ(read.tensors.size(), 4u);
    EXPECT_EQ(read.tensor("a").shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(read.tensor("b/c").type, TensorType::kInt64);
    EXPECT_EQ(read.tensor("b/c").pieces.at(0).offset, 124u);
    EXPECT_EQ(read.tensor("cut").pieces.at(2).begin, 4100u);
    EXPECT_EQ(read.tensor("cut").pieces.at(0).blocks, hashes(2));
    EXPECT_EQ(read.find("nope"), nullptr);
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
    const std::string text = error_after([](Json& m) { m["format_major"] = 3; });
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
            for (Json& tensor : m["tensors"])
                for (Json& piece : tensor["pieces"]) piece["file"] = name;
        });
        EXPECT_NE(text.find("no file name"), std::string::npos) << name << text;
    }
    EXPECT_NE(error_after([](Json& m) { piece_of(m)["file"] = "z.h5"; }).find("not listed"),
              std::string::npos);
}

TEST(Manifest, ShapesThatOverflowOrDoNotFitTheBytesAreRefused) {
    const auto with_shape = [](const Json& shape) {
        return error_after([&](Json& m) { m["tensors"][0]["shape"] = shape; });
    };
    EXPECT_NE(with_shape({3, 3}).find("does not fit its pieces"), std::string::npos);
    EXPECT_NE(with_shape({1LL << 32, 1LL << 32}).find("impossible shape"), std::string::npos);
    EXPECT_NE(with_shape({1LL << 62, 2, 3}).find("impossible shape"), std::string::npos);
    EXPECT_NE(with_shape(std::vector<int>(33, 1)).find("impossible shape"), std::string::npos);
    EXPECT_NE(with_shape({-1, -6}).find("not a number"), std::string::npos);
    EXPECT_NE(with_shape({2.5, 2}).find("not a number"), std::string::npos);
    EXPECT_NE(with_shape("2x3").find("no list"), std::string::npos);
}

TEST(Manifest, TensorsBeyondTheFileOrOverEachOtherAreRefused) {
    const auto with_offset = [](std::uint64_t offset) {
        return error_after([&](Json& m) { piece_of(m)["offset"] = offset; });
    };
    EXPECT_EQ(with_offset(976), "");
    EXPECT_NE(with_offset(977).find("beyond the end"), std::string::npos);
    EXPECT_NE(with_offset((std::uint64_t{1} << 63) - 8).find("beyond the end"), std::string::npos);
    EXPECT_NE(with_offset(~std::uint64_t{0} - 8).find("not a number"), std::string::npos);
    EXPECT_NE(with_offset(101).find("overlaps"), std::string::npos);
}

TEST(Manifest, PiecesThatDoNotCoverTheirTensorAreRefused) {
    const auto after = [](const std::function<void(Json&)>& change) {
        return error_after([&](Json& m) { change(m["tensors"][3]["pieces"]); });
    };
    for (const char* begin : {"4096", "4098", "0", "9223372036854775807"})
        EXPECT_NE(after([&](Json& pieces) {
                      pieces[1]["begin"] = Json::parse(begin);
                  }).find("does not begin where"),
                  std::string::npos)
            << begin;
    EXPECT_NE(after([](Json& pieces) { std::swap(pieces[0], pieces[1]); }).find("does not begin"),
              std::string::npos);
    EXPECT_NE(after([](Json& pieces) { pieces.erase(2); }).find("does not fit its pieces"),
              std::string::npos);
    EXPECT_NE(
        after([](Json& pieces) {
            pieces.push_back(
                {{"file", "x.h5"}, {"offset", 0}, {"begin", 8196}, {"bytes", 0}, {"blocks", ""}});
        }).find("has no bytes"),
        std::string::npos);
    EXPECT_NE(after([](Json& pieces) { pieces[2]["offset"] = 4096; }).find("overlaps"),
              std::string::npos);
    EXPECT_FALSE(after([](Json& pieces) { pieces[0] = 7; }).empty());
}

TEST(Manifest, BlocksOfAnotherNumberOrSizeAreRefused) {
    const auto with_blocks = [](const std::string& digits) {
        return error_after([&](Json& m) { m["tensors"][3]["pieces"][0]["blocks"] = digits; });
    };
    for (const std::size_t count : {0, 1, 3})
        EXPECT_NE(with_blocks(std::string(count * 32, 'a')).find("not 2 times 32 hex digits"),
                  std::string::npos);
    EXPECT_NE(with_blocks(std::string(63, 'a')).find("2 times"), std::string::npos);
    EXPECT_NE(with_blocks(std::string(64, 'A')).find("not hex digits"), std::string::npos);
    for (const std::uint64_t size :
         {0ULL, 1ULL, 2048ULL, 4097ULL, 12288ULL, 1ULL << 31, 1ULL << 62})
        EXPECT_NE(error_after([&](Json& m) { m["block_bytes"] = size; }).find("power of two"),
                  std::string::npos)
            << size;
}

TEST(Manifest, FilesThatAreTooLargeTogetherAreRefused) {
    EXPECT_NE(error_after([](Json& m) {
                  m["files"][0]["bytes"] = (std::uint64_t{1} << 63) - 1;
              }).find("2^63-1 bytes together"),
              std::string::npos);
}

TEST(Manifest, MetricsThatAreNoFiniteNumbersAreNeitherWrittenNorRead) {
    Manifest manifest = small_manifest();
    manifest.metrics["loss"] = std::nan("");
    manifest.metrics["reward"] = -std::numeric_limits<double>::infinity();
    EXPECT_EQ(decode_manifest(encode_manifest(manifest), "m.json").metrics,
              (std::map<std::string, double>{{"tokens", 12}}));
    for (const char* value : {"null", "\"1\"", "[1]", "true"})
        EXPECT_NE(error_after([&](Json& m) {
                      m["metrics"]["loss"] = Json::parse(value);
                  }).find("no finite number"),
                  std::string::npos)
            << value;
    std::string body = body_of(small_manifest());
    body.replace(body.find("0.1"), 3, "1e999");
    EXPECT_FALSE(error_of([&] { decode_manifest(sign(body), "m.json"); }).empty());
}

// As the first releases wrote it: each tensor in one piece with one hash.
std::string error_of_format_one(const std::function<void(Json&)>& change, Manifest& manifest) {
    Json record = Json::parse(body_of(small_manifest()));
    record["format_major"] = 1;
    record.erase("metrics");
    record.erase("block_bytes");
    record["tensors"].erase(3);
    for (Json& tensor : record["tensors"]) {
        tensor.erase("pieces");
        tensor["file"] = "x.h5";
        tensor["xxh3_128"] = kDigits;
    }
    const std::uint64_t places[][2] = {{100, 24}, {124, 8}, {0, 0}};
    for (std::size_t i = 0; i < 3; ++i) {
        record["tensors"][i]["offset"] = places[i][0];
        record["tensors"][i]["bytes"] = places[i][1];
    }
    change(record);
    const std::string text = sign(record.dump(1) + "\n");
    return error_of([&] { manifest = decode_manifest(text, "m.json"); });
}

TEST(Manifest, OfFormatOneHasOneBlockATensor) {
    Manifest read;
    ASSERT_EQ(error_of_format_one([](Json&) {}, read), "");
    ASSERT_EQ(read.tensor("a").pieces.size(), 1u);
    EXPECT_EQ(read.tensor("a").pieces[0].blocks, hashes(1));
    EXPECT_EQ(read.tensor("a").pieces[0].bytes, 24u);
    EXPECT_EQ(count_blocks(~std::uint64_t{0}, read.block_bytes), 1u);
    EXPECT_TRUE(read.tensor("b/empty").pieces.empty());
    EXPECT_TRUE(read.metrics.empty());
}

TEST(Manifest, OfFormatOneIsCheckedAsStrictly) {
    Manifest read;
    const auto after = [&](const char* key, const Json& value) {
        return error_of_format_one([&](Json& m) { m["tensors"][0][key] = value; }, read);
    };
    EXPECT_NE(after("offset", 977).find("beyond the end"), std::string::npos);
    EXPECT_NE(after("offset", 101).find("overlaps"), std::string::npos);
    EXPECT_NE(after("bytes", 20).find("does not fit its bytes"), std::string::npos);
    EXPECT_NE(after("xxh3_128", "zz").find("32 hex digits"), std::string::npos);
    EXPECT_NE(after("file", "z.h5").find("not listed"), std::string::npos);
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
    for (const auto& [key, unused] : good["tensors"][0]["pieces"][0].items()) {
        EXPECT_FALSE(error_after([&](Json& m) { piece_of(m).erase(key); }).empty()) << key;
        EXPECT_FALSE(error_after([&](Json& m) { piece_of(m)[key] = nullptr; }).empty()) << key;
        EXPECT_FALSE(error_after([&](Json& m) { piece_of(m)[key] = -1; }).empty()) << key;
    }
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
    ASSERT_EQ(::truncate(path.c_str(), (256 << 20) + 1), 0);
    EXPECT_NE(problem().find("larger than 256 MiB"), std::string::npos);

    std::filesystem::remove(path);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_NE(problem().find("not a regular file"), std::string::npos);

    std::filesystem::remove(path);
    Manifest manifest = small_manifest();
    manifest.files.pop_back();
    manifest.tensors.pop_back();
    write_bytes(path, encode_manifest(manifest));
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
