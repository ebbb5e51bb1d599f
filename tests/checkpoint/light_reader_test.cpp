// SPDX-License-Identifier: Apache-2.0
// A checkpoint of format 1, kept in the repository, is read for ever and without libhdf5.

#include "checkpoint/checkpoint.h"
#include "common/file.h"
#include "tests/checkpoint/damage.h"
#include "tests/checkpoint/sample_checkpoint.h"

namespace r1 {
namespace {

const std::filesystem::path kGolden{R1_GOLDEN_FOLDER};

TEST(LightReader, ReadsTheGoldenCheckpointOfFormatOne) {
    const std::filesystem::path checkpoint = kGolden / "format-1" / checkpoint_name(7);
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
        read_tensor(checkpoint, entry, bytes.data());
        EXPECT_EQ(std::string_view(bytes.data(), view.bytes()),
                  std::string_view(static_cast<const char*>(view.data), view.bytes()));
    }
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
