// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <hdf5.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>

#include "checkpoint/commit.h"
#include "common/file.h"
#include "common/subprocess.h"
#include "tests/checkpoint/damage.h"
#include "tests/checkpoint/one_process_writer.h"
#include "tests/checkpoint/sample_checkpoint.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

class Writer : public ::testing::Test {
  protected:
    void save(std::int64_t step, const SampleCheckpoint& sample) {
        make_hdf5_checkpoint_writer(checkpoints_, "run-1")
            ->save(step, false, "{\"step\": 1}", sample.views());
    }
    fs::path at(std::int64_t step) const { return checkpoints_ / checkpoint_name(step); }
    std::vector<std::string> names() const {
        std::vector<std::string> list;
        for (const auto& entry : fs::directory_iterator(checkpoints_))
            list.push_back(entry.path().filename().string());
        return list;
    }
    void expect_equal(std::int64_t step, const SampleCheckpoint& sample) const {
        const Manifest manifest = read_manifest(at(step));
        ASSERT_EQ(manifest.tensors.size(), sample.views().size());
        for (const TensorView& view : sample.views()) {
            const TensorEntry& entry = manifest.tensor(view.name);
            EXPECT_EQ(entry.type, view.type) << view.name;
            EXPECT_EQ(entry.shape, view.shape) << view.name;
            std::vector<char> bytes(view.bytes() + 1);
            read_tensor(at(step), manifest, entry, bytes.data());
            EXPECT_EQ(std::string_view(bytes.data(), view.bytes()),
                      std::string_view(static_cast<const char*>(view.data), view.bytes()))
                << view.name;
        }
    }
    TemporaryFolder folder_;
    fs::path checkpoints_ = folder_.path() / "checkpoints";
};

TEST_F(Writer, EveryTypeAndShapeReadsBackEqual) {
    const SampleCheckpoint sample;
    save(100, sample);
    verify_checkpoint(at(100));
    expect_equal(100, sample);
    const Manifest manifest = read_manifest(at(100));
    EXPECT_EQ(manifest.step, 100);
    EXPECT_EQ(manifest.run_id, "run-1");
    EXPECT_EQ(manifest.state, "{\"step\": 1}");
    EXPECT_FALSE(manifest.keep);
    EXPECT_EQ(manifest.written_at.size(), 20u);
    EXPECT_EQ(names(), std::vector<std::string>{"step-00000100"});
}

TEST_F(Writer, TensorsLargerThanABlockAndNoTensorsAtAllReadBack) {
    const SampleCheckpoint large(80000);  // 10 MiB: more than one block of 4 MiB
    save(1, large);
    verify_checkpoint(at(1));
    expect_equal(1, large);
    make_hdf5_checkpoint_writer(checkpoints_, "run-1")->save(2, true, "", {});
    verify_checkpoint(at(2));
    EXPECT_TRUE(read_manifest(at(2)).tensors.empty());
}

TEST_F(Writer, ManyTensorsStayWithinTheReservedRoomAndVerify) {
    const std::vector<float> values(1100, 2.5F);
    std::vector<TensorView> views;
    for (int i = 0; i < 1000; ++i)
        views.push_back({"model/layers." + std::to_string(i) + ".weight",
                         TensorType::kFloat32,
                         {1 + i},
                         values.data()});
    make_hdf5_checkpoint_writer(checkpoints_, "r")->save(5, false, "", views);
    verify_checkpoint(at(5));
    // The structure is small beside the values, and lies in front of them.
    const Manifest manifest = read_manifest(at(5));
    EXPECT_LT(manifest.files[0].bytes, 8u << 20);
}

TEST_F(Writer, Hdf5ItselfReadsTheSameValues) {
    const SampleCheckpoint sample;
    save(3, sample);
    const std::string path = (at(3) / "w00000-of-00001.h5").string();
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    ASSERT_GE(file, 0);
    const auto read = [&](const char* name, hid_t type, std::size_t bytes) {
        std::vector<char> values(bytes);
        const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
        EXPECT_GE(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0) << name;
        H5Dclose(dataset);
        return values;
    };
    const auto expect = [&](const char* name, hid_t type, const void* data, std::size_t bytes) {
        EXPECT_EQ(std::memcmp(read(name, type, bytes).data(), data, bytes), 0) << name;
    };
    expect("/model/lm_head.weight", H5T_NATIVE_FLOAT, sample.weights.data(),
           sample.weights.size() * 4);
    expect("/adam/m/lm_head.weight", H5T_NATIVE_DOUBLE, sample.moments.data(), 24);
    expect("/counters", H5T_NATIVE_INT32, sample.counters.data(), 24);
    expect("/state/cursor", H5T_NATIVE_INT64, sample.cursor.data(), 8);
    expect("/state/bytes", H5T_NATIVE_UINT8, sample.bytes.data(), 5000);
    std::int64_t step = 0;
    const hid_t attribute = H5Aopen(file, "step", H5P_DEFAULT);
    EXPECT_GE(H5Aread(attribute, H5T_NATIVE_INT64, &step), 0);
    EXPECT_EQ(step, 3);
    H5Aclose(attribute);
    H5Fclose(file);
}

TEST_F(Writer, H5dumpPrintsNamesAttributesAndValues) {
    if (!fs::exists("/usr/bin/h5dump")) GTEST_SKIP() << "h5dump is not installed (hdf5-tools)";
    save(3, SampleCheckpoint());
    const Captured dump =
        run_and_capture({.arguments = {"h5dump", (at(3) / "w00000-of-00001.h5").string()},
                         .environment = {},
                         .output = {}});
    ASSERT_TRUE(dump.end.ok());
    for (const char* text : {"ATTRIBUTE \"format_major\"", "ATTRIBUTE \"format_minor\"",
                             "\"run-1\"", "DATASET \"lm_head.weight\"", "H5T_IEEE_F32LE",
                             "H5T_STD_I64LE", "(0): 1099511627776", "(0,0,0): 1, -2, 3,"})
        EXPECT_NE(dump.output.find(text), std::string::npos) << text;
}

TEST_F(Writer, SavedAgainStepHoldsTheNewBytesOnly) {
    save(8, SampleCheckpoint(16, 1.0F));
    const SampleCheckpoint other(20, 9.0F);
    save(8, other);
    verify_checkpoint(at(8));
    expect_equal(8, other);
    EXPECT_EQ(names(), std::vector<std::string>{"step-00000008"});
}

TEST_F(Writer, WhereFoldersCannotBeSwappedAStepIsReplacedToo) {
    save(8, SampleCheckpoint(16, 1.0F));
    for (const float base : {5.0F, 6.0F, 7.0F}) {
        const SampleCheckpoint other(20, base);
        const fs::path elsewhere = folder_.path() / "elsewhere";
        make_hdf5_checkpoint_writer(elsewhere, "run-1")->save(8, false, "", other.views());
        const fs::path temporary = checkpoints_ / temporary_name(8, ::getpid());
        fs::rename(elsewhere / checkpoint_name(8), temporary);
        commit_checkpoint(checkpoints_, temporary, read_manifest(temporary), false);
        verify_checkpoint(at(8));
        expect_equal(8, other);
        EXPECT_EQ(names(), std::vector<std::string>{"step-00000008"});
        EXPECT_EQ(std::distance(fs::directory_iterator(at(8)), fs::directory_iterator{}), 2);
    }
}

TEST_F(Writer, RefusesWhatItCouldNotReadBackAndLeavesNothing) {
    save(1, SampleCheckpoint());
    const float value = 1;
    const auto writer = make_hdf5_checkpoint_writer(checkpoints_, "r");
    const auto problem = [&](const std::vector<TensorView>& views, const std::string& state = "") {
        return error_of([&] { writer->save(2, false, state, views); });
    };
    const auto named = [&](const std::string& name) {
        return TensorView{name, TensorType::kFloat32, {1}, &value};
    };
    for (const char* name : {"", "/a", "a/", "a//b", "a/../b", ".", "\xff"})
        EXPECT_NE(problem({named(name)}).find("HDF5 path"), std::string::npos) << name;
    EXPECT_NE(problem({named("a"), named("a")}).find("same name"), std::string::npos);
    EXPECT_NE(problem({{"a", TensorType::kFloat32, {1}, nullptr}}).find("no data"),
              std::string::npos);
    EXPECT_NE(problem({{"a", TensorType::kFloat32, {-1}, &value}}).find("impossible shape"),
              std::string::npos);
    EXPECT_NE(problem({{"a", TensorType::kFloat32, {1LL << 40, 1LL << 40}, &value}})
                  .find("impossible shape"),
              std::string::npos);
    EXPECT_FALSE(problem({named("a")}, "\xff").empty());
    EXPECT_FALSE(error_of([&] { writer->save(-1, false, "", {}); }).empty());
    EXPECT_EQ(names(), std::vector<std::string>{"step-00000001"});
}

TEST_F(Writer, RemovesFromMemoryWhatKilledSavesLeftAndNothingInUse) {
    const std::string name = "/dev/shm/r1-skeleton-test-" + std::to_string(::getpid());
    write_bytes(name + "-left", "x");
    const FileDescriptor used = open_file(name + "-used", O_RDWR | O_CREAT);
    ASSERT_EQ(::flock(used.get(), LOCK_EX | LOCK_NB), 0);
    save(1, SampleCheckpoint());
    EXPECT_FALSE(fs::exists(name + "-left"));
    EXPECT_TRUE(fs::exists(name + "-used"));
    fs::remove(name + "-used");
}

TEST_F(Writer, ErrorOfHdf5HoldsItsOwnAccountAndIsNotPrinted) {
    const float value = 1;
    const std::vector<TensorView> views{{"a", TensorType::kFloat32, {1}, &value},
                                        {"a/b", TensorType::kFloat32, {1}, &value}};
    ::testing::internal::CaptureStderr();
    const std::string text =
        error_of([&] { make_hdf5_checkpoint_writer(checkpoints_, "r")->save(2, false, "", views); },
                 ExitCode::kLibrary);
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
    EXPECT_NE(text.find("H5Dcreate2 of 'a/b' failed: H5"), std::string::npos) << text;
    EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace r1
