// SPDX-License-Identifier: Apache-2.0
// Checkpoints of every format, kept in the repository, are read for ever and without libhdf5.
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "checkpoint/manifest.h"
#include "common/file.h"
#include "common/json.h"
#include "tests/checkpoint/damage.h"
#include "tests/checkpoint/sample_checkpoint.h"
#include "tests/checkpoint/two_writers.h"

namespace r1 {
namespace {

const std::filesystem::path kGolden{R1_GOLDEN_FOLDER};

class GoldenFormat : public ::testing::TestWithParam<int> {};

TEST_P(GoldenFormat, IsRead) {
    const std::filesystem::path checkpoint =
        kGolden / ("format-" + std::to_string(GetParam())) / checkpoint_name(7);
    verify_checkpoint(checkpoint);
    const Manifest manifest = read_manifest(checkpoint);
    EXPECT_EQ(manifest.step, 7);
    EXPECT_EQ(manifest.run_id, "golden");
    EXPECT_TRUE(manifest.keep);
    EXPECT_EQ(manifest.state, "{\"stage\": 1}");
    const SampleCheckpoint sample;
    for (const TensorView& view : sample.views()) {
        const TensorEntry& entry = manifest.tensor(view.name);
        EXPECT_EQ(entry.type, view.type);
        EXPECT_EQ(entry.shape, view.shape);
        std::vector<char> bytes(view.bytes() + 1);
        read_tensor(checkpoint, manifest, entry, bytes.data());
        EXPECT_EQ(std::string_view(bytes.data(), view.bytes()),
                  std::string_view(static_cast<const char*>(view.data), view.bytes()));
    }
}

TEST_P(GoldenFormat, IsFoundDamagedWhereItIs) {
    const TemporaryFolder folder;
    const std::filesystem::path checkpoint = folder / checkpoint_name(7);
    std::filesystem::copy(kGolden / ("format-" + std::to_string(GetParam())) / checkpoint_name(7),
                          checkpoint);
    const Manifest manifest = read_manifest(checkpoint);
    const TensorPiece& piece = manifest.tensor("state/bytes").pieces.at(0);
    std::string bytes = read_file(checkpoint / piece.file);
    bytes.at(piece.offset + piece.bytes - 1) ^= 1;
    write_bytes(checkpoint / piece.file, bytes);
    const std::vector<Damage> list = find_damage(checkpoint, manifest);
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].tensor, "state/bytes");
    std::string one(1, '\0');
    TensorReader reader(checkpoint, manifest);
    const std::string text =
        error_of([&] { reader.read(manifest.tensor("state/bytes"), 0, 1, one.data()); });
    EXPECT_NE(text.find("block 0 of tensor 'state/bytes'"), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(Every, GoldenFormat, ::testing::Range(1, kFormatMajor + 1));

TEST(GoldenFormat, OfTwoWritersIsRead) {
    const std::filesystem::path checkpoint = kGolden / "format-2-two-writers" / checkpoint_name(7);
    verify_checkpoint(checkpoint);
    const Manifest manifest = read_manifest(checkpoint);
    EXPECT_EQ(manifest.metrics.at("pass@1"), 0.75);
    EXPECT_EQ(manifest.files.size(), 3u);
    const TwoWriters sample;
    for (std::size_t i = 0; i < sample.tensors().size(); ++i) {
        const TensorEntry& entry = manifest.tensor(sample.tensors()[i].name);
        EXPECT_EQ(entry.type, sample.tensors()[i].type);
        EXPECT_EQ(entry.pieces.size(), i < 2 ? 2u : 1u);
        std::string bytes(entry.bytes(), '\0');
        read_tensor(checkpoint, manifest, entry, bytes.data());
        EXPECT_EQ(bytes, sample.bytes(i));
    }
}

// As a later r1ctl of the same major may write it: keys that this one does not know.
TEST(LightReader, ReadsALaterMinorFormat) {
    const TemporaryFolder folder;
    const std::filesystem::path checkpoint = folder / checkpoint_name(7);
    std::filesystem::copy(kGolden / "format-2" / checkpoint_name(7), checkpoint);
    std::string text = read_file(checkpoint / kManifestName);
    text.resize(text.rfind(kHashLine));
    Json record = parse_json_object(text, "the golden manifest");
    record["format_minor"] = kFormatMinor + 1;
    record["new"] = {{"a", {1, 2}}};
    for (const char* list : {"files", "tensors"})
        for (Json& one : record[list]) one["new"] = "x";
    for (Json& tensor : record["tensors"])
        for (Json& piece : tensor["pieces"]) piece["new"] = nullptr;
    text = record.dump(1) + "\n";
    write_bytes(checkpoint / kManifestName, text + std::string(kHashLine) + hash_hex(text) + "\n");
    EXPECT_NO_THROW(verify_checkpoint(checkpoint));
    EXPECT_EQ(read_manifest(checkpoint).tensors.size(), SampleCheckpoint().views().size());
}

TEST(LightReader, HasNoHdf5InItsProcess) {
    EXPECT_EQ(read_file("/proc/self/maps").find("libhdf5"), std::string::npos);
}

TEST(ListCheckpoints, LeavesOutTemporaryAndForeignNames) {
    const TemporaryFolder folder;
    for (const char* name :
         {"step-00000020", "step-00000003", "step-123456789", "step-3", "step-000000004",
          "step-0000000x", "step--0000001", ".tmp-step-00000005-1", ".trash-step-00000006-1"})
        std::filesystem::create_directory(folder.path() / name);
    write_bytes(folder.path() / "step-00000009", "a file");
    EXPECT_EQ(list_checkpoints(folder.path()), (std::vector<std::int64_t>{3, 20, 123456789}));
    EXPECT_TRUE(list_checkpoints("/nowhere").empty());
}

TEST(LatestVerified, NoFolderHasNone) {
    std::vector<Rejected> rejected;
    EXPECT_FALSE(latest_verified("/nowhere", rejected));
    EXPECT_TRUE(rejected.empty());
}

}  // namespace
}  // namespace r1
