// SPDX-License-Identifier: Apache-2.0
#include "tests/checkpoint/damage.h"

#include "common/file.h"
#include "tests/checkpoint/one_process_writer.h"
#include "tests/checkpoint/sample_checkpoint.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

class Damage : public ::testing::Test {
  protected:
    void SetUp() override {
        make_hdf5_checkpoint_writer(folder_.path(), "run")->save(1, false, "s", sample_.views());
    }
    std::vector<fs::path> files() const {
        return {checkpoint_ / "manifest.json", checkpoint_ / "w00000-of-00001.h5"};
    }
    std::string problem() const {
        return error_of([&] { verify_checkpoint(checkpoint_); });
    }
    SampleCheckpoint sample_;
    TemporaryFolder folder_;
    fs::path checkpoint_ = folder_.path() / checkpoint_name(1);
};

TEST_F(Damage, AFlippedBitIsFoundInEveryRegionOfEveryFile) {
    for (const fs::path& file : files()) {
        const std::string good = read_file(file);
        const std::size_t stride = std::max<std::size_t>(1, good.size() / 200);
        for (std::size_t i = 0; i < good.size(); i += stride) {
            std::string bad = good;
            bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
            write_bytes(file, bad);
            EXPECT_NE(problem(), "") << file << " at " << i;
        }
        write_bytes(file, good);
        EXPECT_EQ(problem(), "");
    }
}

TEST_F(Damage, ATruncatedOrLongerFileIsFound) {
    for (const fs::path& file : files()) {
        const std::string good = read_file(file);
        for (std::size_t i = 0; i < good.size(); i += good.size() / 50) {
            write_bytes(file, good.substr(0, i));
            EXPECT_NE(problem(), "") << file << " of " << i;
        }
        write_bytes(file, good + std::string(1, '\0'));
        EXPECT_NE(problem(), "");
        write_bytes(file, good);
    }
}

TEST_F(Damage, AMissingFileIsFound) {
    for (const fs::path& file : files()) {
        const std::string good = read_file(file);
        fs::remove(file);
        EXPECT_NE(problem().find("No such file"), std::string::npos);
        write_bytes(file, good);
    }
}

TEST_F(Damage, ADamagedTensorIsNamedAndNeverHandedOut) {
    const Manifest manifest = read_manifest(checkpoint_);
    const TensorEntry& entry = manifest.tensor("counters");
    std::string bytes = read_file(files()[1]);
    bytes[entry.pieces.at(0).offset + 5] ^= 1;
    write_bytes(files()[1], bytes);
    std::vector<char> target(entry.bytes());
    for (const std::string& text :
         {problem(), error_of([&] { read_tensor(checkpoint_, manifest, entry, target.data()); })}) {
        EXPECT_NE(text.find("tensor 'counters'"), std::string::npos) << text;
        EXPECT_NE(text.find(checkpoint_.string()), std::string::npos) << text;
        EXPECT_NE(text.find("`r1ctl checkpoint list`"), std::string::npos) << text;
    }
}

TEST_F(Damage, LatestVerifiedFallsBackAndSaysWhy) {
    const auto writer = make_hdf5_checkpoint_writer(folder_.path(), "run");
    writer->save(2, false, "s", sample_.views());
    writer->save(3, false, "s", sample_.views());
    fs::remove(folder_.path() / checkpoint_name(3) / "manifest.json");
    const fs::path shard = folder_.path() / checkpoint_name(2) / "w00000-of-00001.h5";
    std::string bytes = read_file(shard);
    bytes.back() ^= 1;
    write_bytes(shard, bytes);

    std::vector<Rejected> rejected;
    EXPECT_EQ(latest_verified(folder_.path(), rejected), 1);
    ASSERT_EQ(rejected.size(), 2u);
    EXPECT_EQ(rejected[0].step, 3);
    EXPECT_NE(rejected[0].reason.find("No such file"), std::string::npos);
    EXPECT_EQ(rejected[1].step, 2);
    EXPECT_NE(rejected[1].reason.find("damaged"), std::string::npos);
}

TEST_F(Damage, AFolderRenamedToAnotherStepIsNotThatStep) {
    fs::copy(checkpoint_, folder_.path() / checkpoint_name(5));
    std::vector<Rejected> rejected;
    EXPECT_EQ(latest_verified(folder_.path(), rejected), 1);
    ASSERT_EQ(rejected.size(), 1u);
    EXPECT_NE(rejected[0].reason.find("another step"), std::string::npos);
}

}  // namespace
}  // namespace r1
