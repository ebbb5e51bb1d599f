// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/retention.h"

#include <sys/mount.h>

#include "common/file.h"
#include "tests/checkpoint/damage.h"
#include "tests/checkpoint/one_process_writer.h"
#include "tests/checkpoint/sample_checkpoint.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;
using Steps = std::vector<std::int64_t>;

class RetentionTest : public ::testing::Test {
  protected:
    void save(std::int64_t step, bool keep = false) {
        writer_->save(step, keep, "", sample_.views());
    }
    void damage(std::int64_t step, const char* file) {
        write_bytes(folder_.path() / checkpoint_name(step) / file, "x");
    }
    // Damage that only reading every byte finds.
    void damage_tensor(std::int64_t step) {
        const fs::path path = folder_.path() / checkpoint_name(step);
        const TensorEntry entry = read_manifest(path).tensor("counters");
        const TensorPiece& piece = entry.pieces.at(0);
        std::fstream file(path / piece.file, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(piece.offset));
        file.put('\x55');
    }
    Steps steps() const { return list_checkpoints(folder_.path()); }

    SampleCheckpoint sample_;
    TemporaryFolder folder_;
    std::unique_ptr<CheckpointWriter> writer_ = make_hdf5_checkpoint_writer(folder_.path(), "r");
};

TEST_F(RetentionTest, KeepsTheNewestAndThoseMarked) {
    save(1);
    save(2, true);
    for (const int step : {3, 4, 5}) save(step);
    writer_->retain(2);
    EXPECT_EQ(steps(), (Steps{2, 4, 5}));
    writer_->retain(10);
    EXPECT_EQ(steps(), (Steps{2, 4, 5}));
}

TEST_F(RetentionTest, NeverRemovesTheNewestThatVerifies) {
    for (const int step : {1, 2, 3}) save(step);
    damage_tensor(3);
    writer_->retain(1);
    EXPECT_EQ(steps(), (Steps{2, 3}));
    save(4);
    writer_->retain(0);  // 1 is the least
    EXPECT_EQ(steps(), (Steps{4}));
}

TEST_F(RetentionTest, ADamagedOneTakesNoPlaceOfAnother) {
    for (const int step : {1, 2, 3}) save(step);
    damage(3, "manifest.json");
    writer_->retain(2);
    EXPECT_EQ(steps(), (Steps{1, 2, 3}));
    save(4);
    save(5);
    writer_->retain(2);
    EXPECT_EQ(steps(), (Steps{4, 5}));
}

TEST_F(RetentionTest, RemovesNothingWhenNothingVerifies) {
    for (const int step : {1, 2, 3}) {
        save(step);
        damage_tensor(step);
    }
    writer_->retain(1);
    EXPECT_EQ(steps(), (Steps{1, 2, 3}));
}

TEST_F(RetentionTest, LeftoversOfKilledProcessesGoAndNothingElse) {
    save(1);
    const auto make = [&](const std::string& name) {
        fs::create_directory(folder_.path() / name);
        write_bytes(folder_.path() / name / "shard", "x");
        return folder_.path() / name;
    };
    const fs::path left = make(".tmp-step-00000002-3-elsewhere");
    const fs::path removal = make(".trash-step-00000000-1-elsewhere");
    const fs::path structure = make("r1-skeleton-Ab12Cd");
    const fs::path foreign = make(".tmp-notes");
    remove_leftovers(folder_.path());
    EXPECT_FALSE(fs::exists(left));
    EXPECT_FALSE(fs::exists(removal));
    EXPECT_FALSE(fs::exists(structure));
    EXPECT_TRUE(fs::exists(foreign));
    EXPECT_EQ(steps(), (Steps{1}));
}

TEST_F(RetentionTest, WhatNoManifestNamesGoesFromCheckpoints) {
    for (const int step : {1, 2}) save(step);
    const auto make = [&](int step, const std::string& name) {
        const fs::path path = folder_.path() / checkpoint_name(step) / name;
        write_bytes(path, "x");
        return path;
    };
    const fs::path moved = make(1, "1-w00000-of-00001.h5");
    const fs::path manifest = make(1, ".manifest.json.tmp-7-0");
    const fs::path foreign = make(1, "notes.txt");
    const fs::path unknown = make(2, "1-w00000-of-00001.h5");
    damage(2, "manifest.json");
    remove_leftovers(folder_.path());
    EXPECT_FALSE(fs::exists(moved));
    EXPECT_FALSE(fs::exists(manifest));
    EXPECT_TRUE(fs::exists(foreign));
    EXPECT_TRUE(fs::exists(unknown));  // who can say what belongs to it
    verify_checkpoint(folder_.path() / checkpoint_name(1));
}

TEST_F(RetentionTest, ReadsEachOnceAndNothingWhenNothingCanGo) {
    Retention retention(folder_.path(), {});
    save(1);
    damage_tensor(1);
    save(2);
    retention.apply();  // two are kept: nobody looks whether they are damaged
    EXPECT_EQ(steps(), (Steps{1, 2}));
    save(3);
    retention.apply();  // 2 and 3 are read
    EXPECT_EQ(steps(), (Steps{2, 3}));
    damage_tensor(2);
    damage_tensor(3);
    save(4);
    retention.apply();  // reads 4 alone: had it read 3 again, 2 would have to stay
    EXPECT_EQ(steps(), (Steps{3, 4}));
    save(3);  // another one of the same step is looked at anew
    damage_tensor(3);
    save(5);
    damage_tensor(5);
    retention.apply();
    EXPECT_EQ(steps(), (Steps{3, 4, 5}));
}

TEST_F(RetentionTest, TheOneResumedFromStaysUntilTwoNewerVerify) {
    RetentionPolicy policy;
    policy.keep_last = 1;
    Retention retention(folder_.path(), policy);
    save(1);
    retention.resumed_from(1);
    save(2);
    retention.apply();
    EXPECT_EQ(steps(), (Steps{1, 2}));
    save(3);
    damage_tensor(3);
    retention.apply();
    EXPECT_EQ(steps(), (Steps{1, 2, 3}));
    save(4);
    retention.apply();
    EXPECT_EQ(steps(), (Steps{4}));
}

TEST_F(RetentionTest, WhenStoppedItRemovesNoCheckpoint) {
    for (const int step : {1, 2, 3}) save(step);
    std::stop_source stop;
    stop.request_stop();
    Retention retention(folder_.path(), {});
    retention.apply(stop.get_token());
    EXPECT_EQ(steps(), (Steps{1, 2, 3}));
    retention.apply();
    EXPECT_EQ(steps(), (Steps{2, 3}));
}

TEST_F(RetentionTest, AFileThatCheckpointsShareOutlivesTheOthers) {
    for (const int step : {1, 2, 3}) save(step);
    const auto shard = [&](int step) {
        return folder_.path() / checkpoint_name(step) / "w00000-of-00001.h5";
    };
    const std::string shared = read_file(shard(1));
    fs::create_hard_link(shard(1), folder_.path() / checkpoint_name(3) / "reference.h5");
    Retention(folder_.path(), {}).apply();
    EXPECT_EQ(steps(), (Steps{2, 3}));
    EXPECT_EQ(read_file(folder_.path() / checkpoint_name(3) / "reference.h5"), shared);
}

TEST_F(RetentionTest, ARemovalThatFailsIsAnErrorAfterTheOthersWereTried) {
    for (const int step : {1, 2, 3, 4}) save(step);
    const fs::path mounted = folder_.path() / checkpoint_name(1);
    if (::mount(mounted.c_str(), mounted.c_str(), nullptr, MS_BIND, nullptr) != 0)
        GTEST_SKIP() << "mounting needs root";
    const std::string text =
        error_of([&] { Retention(folder_.path(), {}).apply(); }, ExitCode::kRunFailed);
    EXPECT_NE(text.find("step-00000001"), std::string::npos) << text;
    EXPECT_EQ(steps(), (Steps{1, 3, 4}));
    ::umount(mounted.c_str());
}

}  // namespace
}  // namespace r1
