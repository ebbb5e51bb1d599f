// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/safetensors.h"

#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "checkpoint/manifest.h"
#include "common/bfloat16.h"
#include "common/file.h"
#include "tests/checkpoint/damage.h"
#include "tests/checkpoint/pieced_checkpoint.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

std::string with_length(const std::string& header, const std::string& data,
                        std::optional<std::uint64_t> length = std::nullopt) {
    const std::uint64_t says = length.value_or(header.size());
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(says >> (8 * i));
    return bytes + header + data;
}

std::string entry(const std::string& type, const std::string& shape, const std::string& offsets) {
    return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

class Safetensors : public ::testing::Test {
  protected:
    fs::path file() const { return folder_ / "x.safetensors"; }
    SafetensorsHeader read(const std::string& bytes) const {
        write_bytes(file(), bytes);
        return read_safetensors_header(file());
    }
    /// What is wrong with a header in front of `data` bytes.
    std::string problem(const std::string& header, std::size_t data = 8,
                        std::optional<std::uint64_t> length = std::nullopt) const {
        return error_of([&] { read(with_length(header, std::string(data, 'x'), length)); });
    }
    void expect_problem(const std::string& header, const std::string& part,
                        std::size_t data = 8) const {
        const std::string text = problem(header, data);
        EXPECT_NE(text.find(part), std::string::npos) << header.substr(0, 200) << ": " << text;
        EXPECT_NE(text.find(file().string()), std::string::npos) << text;
    }
    TemporaryFolder folder_;
};

const std::string kGood = entry("F32", "[2]", "[0,8]");

TEST_F(Safetensors, ReadsWhatTheFormatAllows) {
    const std::string header = R"({"__metadata__":{"format":"pt"},"b":)" +
                               entry("BF16", "[2,3]", "[4,16]") + R"(,"none":)" +
                               entry("F64", "[0,7]", "[4,4]") + R"(,"a":)" +
                               entry("I32", "[]", "[0,4]") + "}   ";
    const SafetensorsHeader read_back = read(with_length(header, std::string(16, 'x')));
    EXPECT_EQ(read_back.metadata.at("format"), "pt");
    EXPECT_EQ(read_back.data_offset, 8 + header.size());
    ASSERT_EQ(read_back.tensors.size(), 3U);
    EXPECT_EQ(read_back.tensors[0].name, "a");
    EXPECT_EQ(read_back.tensors[1].name, "none");
    EXPECT_EQ(read_back.tensors[2].name, "b");
    EXPECT_EQ(read_back.tensors[2].type, TensorType::kBfloat16);
    EXPECT_EQ(read_back.tensors[2].shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(read_back.tensors[2].begin, 4U);
    EXPECT_TRUE(read(with_length("{}", "")).tensors.empty());
}

TEST_F(Safetensors, HostileLengthsAreRefused) {
    const std::string header = R"({"a":)" + kGood + "}";
    EXPECT_EQ(problem(header), "");
    const std::uint64_t after = header.size() + 8;
    for (const std::uint64_t length :
         {std::uint64_t{0}, std::uint64_t{1}, after, after + 1, after + 8, std::uint64_t{1} << 63,
          std::numeric_limits<std::uint64_t>::max(), kLargestSafetensorsHeader,
          kLargestSafetensorsHeader + 1})
        EXPECT_NE(problem(header, 8, length), "") << length;
    for (std::size_t bytes = 0; bytes < 8; ++bytes)
        EXPECT_NE(error_of([&] { read(std::string(bytes, '\1')); }), "") << bytes;
    // A file that is long enough for a header that is too long, without the bytes on the disk.
    write_bytes(file(), with_length("{}", "", kLargestSafetensorsHeader + 1));
    ASSERT_EQ(::truncate(file().c_str(), kLargestSafetensorsHeader + 100), 0);
    EXPECT_NE(error_of([&] { read_safetensors_header(file()); }).find("100 MB"), std::string::npos);
}

TEST_F(Safetensors, TensorsThatDoNotCoverTheFileAreRefused) {
    const auto two = [](const std::string& a, const std::string& b) {
        return R"({"a":)" + entry("F32", "[1]", a) + R"(,"b":)" + entry("F32", "[1]", b) + "}";
    };
    EXPECT_EQ(problem(two("[4,8]", "[0,4]")), "");
    expect_problem(two("[0,4]", "[0,4]"), "the one before ends at 4");
    expect_problem(two("[0,4]", "[2,6]"), "the one before ends at 4");
    expect_problem(two("[0,4]", "[8,12]"), "the one before ends at 4", 12);
    expect_problem(two("[4,8]", "[8,12]"), "the one before ends at 0", 12);
    expect_problem(two("[0,4]", "[4,8]"), "the file has 9", 9);
    expect_problem(two("[0,4]", "[4,8]"), "the file has 7", 7);
}

TEST_F(Safetensors, ShapesTypesAndOffsetsMustAgree) {
    const auto one = [](const std::string& type, const std::string& shape,
                        const std::string& offsets) {
        return R"({"a":)" + entry(type, shape, offsets) + "}";
    };
    expect_problem(one("F32", "[3]", "[0,8]"), "its shape needs 12");
    expect_problem(one("F64", "[2]", "[0,8]"), "its shape needs 16");
    expect_problem(one("F16", "[4]", "[0,8]"), "the type 'F16'");
    expect_problem(one("F32", "[-2]", "[0,8]"), "'shape'");
    expect_problem(one("F32", "[2.0]", "[0,8]"), "'shape'");
    expect_problem(one("F32", "[9223372036854775808]", "[0,8]"), "'shape'");
    expect_problem(one("F32", "[99999999999999999999999]", "[0,8]"), "'shape'");
    expect_problem(one("F32", "[4294967296,4294967296]", "[0,8]"), "impossible shape");
    expect_problem(one("F32", "[9223372036854775807]", "[0,8]"), "impossible shape");
    std::string sides = "1";
    for (int i = 0; i < 32; ++i) sides += ",1";
    expect_problem(one("F32", "[" + sides + "]", "[0,4]"), "'shape'", 4);
    expect_problem(one("F32", "[2]", "[8,0]"), "'data_offsets'");
    expect_problem(one("F32", "[2]", "[0]"), "'data_offsets'");
    expect_problem(one("F32", "[2]", "[0,8,8]"), "'data_offsets'");
    expect_problem(one("F32", "[2]", "[-8,0]"), "'data_offsets'");
    expect_problem(one("U8", "[0]", "[18446744073709551615,18446744073709551615]"), "begins at");
}

TEST_F(Safetensors, OtherJsonIsRefused) {
    expect_problem(R"({"a":)" + kGood + R"(,"a":)" + kGood + "}", "the key 'a' twice");
    expect_problem(R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                   "the key 'dtype' twice");
    expect_problem(R"({"__metadata__":{"x":"1","x":"2"},"a":)" + kGood + "}", "twice");
    expect_problem(R"({"a":{"dtype":"F32","shape":[2]}})", "does not have just");
    expect_problem(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", "'x'");
    expect_problem(R"({"__metadata__":{"x":1},"a":)" + kGood + "}", "'x'");
    expect_problem(R"({"a":7})", "'a'");
    expect_problem(R"([)" + kGood + "]", "begin with '{'");
    expect_problem(" {}", "begin with '{'", 0);
    expect_problem(R"({"a":)" + kGood + "} x", "no JSON");
    expect_problem(R"({"a":)" + kGood, "no JSON");
    expect_problem("{\"\xff\":" + kGood + "}", "no JSON");
    expect_problem(R"({"a":)" + kGood + "}" + std::string(1, '\0'), "a byte of value 0");
    expect_problem(R"({"a":)" + std::string(1'000'000, '['), "'a'");
    std::string deep = "{";
    for (int i = 0; i < 100'000; ++i) deep += R"("a":{)";
    expect_problem(deep, "'a'");
}

TEST_F(Safetensors, WhatIsNoRegularFileIsRefused) {
    ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
    EXPECT_NE(error_of([&] { read_safetensors_header(file()); }).find("regular"),
              std::string::npos);
    EXPECT_NE(error_of([&] { read_safetensors_header(folder_.path()); }).find("regular"),
              std::string::npos);
}

TEST_F(Safetensors, AnExportOfManyPiecesIsReadBack) {
    const PiecedCheckpoint checkpoint;
    std::uint64_t last = 0;
    ExportOptions options;
    options.read_so_far = [&](std::uint64_t bytes) { last = bytes; };
    export_safetensors(checkpoint.path(), checkpoint.manifest(), file(), options);
    EXPECT_EQ(last, export_bytes(checkpoint.manifest(), ""));
    const SafetensorsHeader header = read_safetensors_header(file());
    EXPECT_EQ(header.data_offset % 8, 0U);
    EXPECT_EQ(header.metadata.at("format"), "pt");
    EXPECT_EQ(header.metadata.at("step"), "5");
    EXPECT_EQ(header.metadata.at("run"), checkpoint.manifest().run_id);
    ASSERT_EQ(header.tensors.size(), 3U);
    const std::string bytes = read_file(file());
    for (const SafetensorsTensor& tensor : header.tensors) {
        EXPECT_EQ(tensor.begin % bytes_of(tensor.type), 0U) << tensor.name;
        EXPECT_TRUE(bytes.substr(header.data_offset + tensor.begin, tensor.bytes()) ==
                    checkpoint.values(tensor.name))
            << tensor.name;
    }
}

TEST_F(Safetensors, AnExistingFileStaysUnlessReplaced) {
    const PiecedCheckpoint checkpoint;
    write_bytes(file(), "mine");
    ExportOptions options;
    const auto text = error_of(
        [&] { export_safetensors(checkpoint.path(), checkpoint.manifest(), file(), options); },
        ExitCode::kUsage);
    EXPECT_NE(text.find("--force"), std::string::npos) << text;
    EXPECT_EQ(read_file(file()), "mine");
    options.replace = true;
    export_safetensors(checkpoint.path(), checkpoint.manifest(), file(), options);
    EXPECT_EQ(read_safetensors_header(file()).tensors.size(), 3U);
    options.prefix = "nothing/";
    EXPECT_NE(
        error_of(
            [&] { export_safetensors(checkpoint.path(), checkpoint.manifest(), file(), options); },
            ExitCode::kUsage)
            .find("under 'nothing/'"),
        std::string::npos);
}

TEST_F(Safetensors, ADamagedBlockLeavesNoFileBehind) {
    const PiecedCheckpoint checkpoint;
    const TensorPiece& piece = checkpoint.manifest().tensor("big").pieces.at(1);
    checkpoint.flip(piece.file, piece.offset + 5000);
    const auto text =
        error_of([&] { export_safetensors(checkpoint.path(), checkpoint.manifest(), file(), {}); });
    EXPECT_NE(text.find("block 1 of tensor 'big'"), std::string::npos) << text;
    EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST(Bfloat16, RoundsToNearestEvenAndKeepsNaN) {
    const auto from_bits = [](std::uint32_t bits) { return std::bit_cast<float>(bits); };
    EXPECT_EQ(to_bfloat16(1.0F), 0x3F80);
    EXPECT_EQ(to_bfloat16(from_bits(0x3F808000)), 0x3F80);  // a tie, to the even one below
    EXPECT_EQ(to_bfloat16(from_bits(0x3F818000)), 0x3F82);  // a tie, to the even one above
    EXPECT_EQ(to_bfloat16(from_bits(0x3F808001)), 0x3F81);
    EXPECT_EQ(to_bfloat16(from_bits(0x3F807FFF)), 0x3F80);
    EXPECT_EQ(to_bfloat16(from_bits(0x7F7FFFFF)), 0x7F80);  // the largest float becomes infinite
    EXPECT_EQ(to_bfloat16(-0.0F), 0x8000);
    for (const std::uint32_t nan : {0x7F800001U, 0xFF800001U, 0x7FFFFFFFU, 0x7FC00000U}) {
        EXPECT_TRUE(std::isnan(from_bfloat16(to_bfloat16(from_bits(nan))))) << nan;
        EXPECT_EQ(to_bfloat16(from_bits(nan)) >> 15, nan >> 31);
    }
    EXPECT_TRUE(std::isnan(from_bfloat16(to_bfloat16(std::nan("")))));
    // As floats both are the tie.
    const double tie = 1.0 + 1.0 / 256;
    EXPECT_EQ(to_bfloat16(tie), 0x3F80);
    EXPECT_EQ(to_bfloat16(tie + 1e-12), 0x3F81);
    EXPECT_EQ(to_bfloat16(-tie - 1e-12), 0xBF81);
    EXPECT_EQ(to_bfloat16(tie + 2.0 / 256 - 1e-12), 0x3F81);
    EXPECT_EQ(to_bfloat16(1e300), 0x7F80);
    EXPECT_EQ(to_bfloat16(-1e300), 0xFF80);
    EXPECT_EQ(to_bfloat16(1e-300), 0x0000);
}

}  // namespace
}  // namespace r1
