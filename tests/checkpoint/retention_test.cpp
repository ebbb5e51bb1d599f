// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint/checkpoint.h"
#include "tests/checkpoint/damage.h"
#include "tests/checkpoint/sample_checkpoint.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;
using Steps = std::vector<std::int64_t>;

class Retention : public ::testing::Test {
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
        std::fstream file(path / entry.file, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(entry.offset));
        file.put('\x55');
    }
    Steps steps() const { return list_checkpoints(folder_.path()); }

    SampleCheckpoint sample_;
    TemporaryFolder folder_;
    std::unique_ptr<CheckpointWriter> writer_ = make_hdf5_checkpoint_writer(folder_.path(), "r");
};

TEST_F(Retention, KeepsTheNewestAndThoseMarked) {
    save(1);
    save(2, true);
    for (const int step : {3, 4, 5}) save(step);
    writer_->retain(2);
    EXPECT_EQ(steps(), (Steps{2, 4, 5}));
    writer_->retain(10);
    EXPECT_EQ(steps(), (Steps{2, 4, 5}));
}

TEST_F(Retention, NeverRemovesTheNewestThatVerifies) {
    for (const int step : {1, 2, 3}) save(step);
    damage_tensor(3);
    writer_->retain(1);
    EXPECT_EQ(steps(), (Steps{2, 3}));
    writer_->retain(0);
    EXPECT_EQ(steps(), (Steps{2}));
}

TEST_F(Retention, ADamagedOneTakesNoPlaceOfAnother) {
    for (const int step : {1, 2, 3}) save(step);
    damage(3, "manifest.json");
    writer_->retain(2);
    EXPECT_EQ(steps(), (Steps{1, 2, 3}));
    save(4);
    save(5);
    writer_->retain(2);
    EXPECT_EQ(steps(), (Steps{4, 5}));
}

TEST_F(Retention, RemovesNothingWhenNothingVerifies) {
    for (const int step : {1, 2, 3}) {
        save(step);
        damage_tensor(step);
    }
    writer_->retain(1);
    EXPECT_EQ(steps(), (Steps{1, 2, 3}));
}

TEST_F(Retention, RemovesWhatDeadWritersLeftAndNothingOfLivingOnes) {
    save(1);
    const pid_t dead = ::fork();
    if (dead == 0) ::_exit(0);
    ::waitpid(dead, nullptr, 0);
    const auto make = [&](const std::string& name) {
        fs::create_directory(folder_.path() / name);
        write_bytes(folder_.path() / name / "shard", "x");
        return folder_.path() / name;
    };
    const fs::path dead_save = make(".tmp-step-00000002-" + std::to_string(dead));
    const fs::path dead_removal = make(".trash-step-00000000-" + std::to_string(dead));
    const fs::path own = make(".tmp-step-00000002-" + std::to_string(::getpid()));
    const fs::path living = make(".tmp-step-00000002-1");  // init lives
    const fs::path foreign = make(".tmp-notes");
    writer_->retain(5);
    EXPECT_FALSE(fs::exists(dead_save));
    EXPECT_FALSE(fs::exists(dead_removal));
    EXPECT_FALSE(fs::exists(own));
    EXPECT_TRUE(fs::exists(living));
    EXPECT_TRUE(fs::exists(foreign));
    EXPECT_EQ(steps(), (Steps{1}));
}

}  // namespace
}  // namespace r1
