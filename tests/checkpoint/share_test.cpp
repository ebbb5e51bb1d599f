// SPDX-License-Identifier: Apache-2.0
// The parts of a save, each alone.
#include "checkpoint/share.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <random>
#include <thread>

#include "checkpoint/copy_and_hash.h"
#include "checkpoint/direct_file.h"
#include "common/time.h"
#include "tests/checkpoint/damage.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

std::string random_bytes(std::size_t size) {
    std::mt19937_64 random(size);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

TEST(CopyAndHash, CopiesEveryByteAndHashesEveryBlock) {
    for (const std::size_t size :
         {0u, 1u, 15u, 4096u, 4099u, (4u << 20) - 1, 4u << 20, (9u << 20) + 7}) {
        const std::string source = random_bytes(size + 3);
        for (const std::size_t shift : {0u, 1u}) {
            PageBuffer target(size + 32);
            std::byte* const to = target.data() + shift;
            to[size] = std::byte{0x5a};
            const auto hashes = copy_and_hash(to, source.data() + 2 * shift, size);
            EXPECT_EQ(std::memcmp(to, source.data() + 2 * shift, size), 0) << size;
            EXPECT_EQ(to[size], std::byte{0x5a}) << "written beyond the end";
            EXPECT_EQ(hashes, hash_blocks(to, size));
            ASSERT_EQ(hashes.size(), (size + kBlockBytes - 1) / kBlockBytes);
            if (size > 0) {
                EXPECT_EQ(hashes[0], hash_of(to, std::min<std::size_t>(kBlockBytes, size)));
            }
            if (size <= kBlockBytes) continue;
            const std::size_t second = std::min<std::size_t>(kBlockBytes, size - kBlockBytes);
            EXPECT_EQ(hashes[1], hash_of(to + kBlockBytes, second));
        }
    }
}

class DirectFileTest : public ::testing::TestWithParam<const char*> {
  protected:
    DirectFileTest() : folder_(GetParam()) {}
    fs::path path() const { return folder_.path() / "file"; }
    struct Folder {
        explicit Folder(const char* parent)
            : path_(fs::path(parent) / ("r1-direct-" + std::to_string(::getpid()))) {
            fs::create_directories(path_);
        }
        ~Folder() { fs::remove_all(path_); }
        const fs::path& path() const { return path_; }
        fs::path path_;
    } folder_;
    Throttle unbounded_{0};
};

TEST_P(DirectFileTest, AnyBytesAtAnyPlaceArriveAndNoOthersChange) {
    std::string expected(12 << 20, '\0');
    DirectFile file(path());
    file.reserve(expected.size());
    PageBuffer memory(9 << 20);
    std::mt19937 random(7);
    const std::string bytes = random_bytes(memory.size());
    std::memcpy(memory.data(), bytes.data(), bytes.size());
    std::size_t at = 0;
    for (int i = 0; i < 60 && at + 100 < expected.size(); ++i) {
        const std::size_t size =
            std::min<std::size_t>(i % 9 == 0 ? 5u << 20 : random() % 20000, expected.size() - at);
        // As far from a page's begin as the offset, or not.
        const std::size_t from = i % 2 == 0 ? at % kPageBytes : random() % kPageBytes;
        file.write(memory.data() + from, size, at, unbounded_);
        expected.replace(at, size, bytes, from, size);
        at += size + random() % 3;
    }
    file.sync();
    EXPECT_EQ(read_file(path()), expected);
}

TEST_P(DirectFileTest, TwoWritersShareAPage) {
    DirectFile one(path());
    DirectFile other(path());
    one.reserve(10000);
    other.reserve(10000);
    const std::string a(5000, 'a');
    const std::string b(5000, 'b');
    std::thread writer([&] { one.write(a.data(), a.size(), 0, unbounded_); });
    other.write(b.data(), b.size(), 5000, unbounded_);
    writer.join();
    one.sync();
    other.sync();
    EXPECT_EQ(read_file(path()), a + b);
}

// The disk here, and one in memory: whether each has direct I/O is the system's to say.
INSTANTIATE_TEST_SUITE_P(Places, DirectFileTest, ::testing::Values("/var/tmp", "/dev/shm"),
                         [](const auto& of) { return std::string(of.param).substr(1, 3); });

TEST(Throttle, KeepsToItsRateAndDoesNotSaveUp) {
    Throttle throttle(10 << 20);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const double begin = monotonic_seconds();
    for (int i = 0; i < 6; ++i) throttle.pace(1 << 20);
    // 6 MiB at 10 MiB/s, of which 0.1 s at once.
    EXPECT_GE(monotonic_seconds() - begin, 0.45);
    EXPECT_EQ(throttle.passed(), 6u << 20);
}

TEST(Throttle, LiftedNothingWaitsNorDoesWhoWaitsAlready) {
    Throttle throttle(1);
    std::atomic<bool> passed = false;
    std::thread waiting([&] {
        throttle.pace(1 << 20);
        passed = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(passed);
    throttle.lift();
    waiting.join();
    throttle.pace(1 << 30);
    EXPECT_TRUE(passed);
}

TensorInfo rows(const char* name, std::int64_t count) {
    return {name, TensorType::kFloat32, {count, 10}};
}

TEST(FileLayout, RowsOfNeighboursInOneFileAreOneDataset) {
    const std::vector<TensorInfo> tensors{rows("a", 9), rows("b", 4)};
    const std::vector<std::vector<TensorRange>> ranges{
        {{0, 0, 120}}, {{0, 120, 160}}, {{0, 280, 80}, {1, 0, 160}}};
    const auto files = lay_out_files(tensors, ranges, {0, 0, 1}, "w");
    ASSERT_EQ(files.size(), 2u);
    EXPECT_EQ(files[0].name, "w00000-of-00002.h5");
    ASSERT_EQ(files[0].datasets.size(), 1u);
    EXPECT_EQ(files[0].datasets[0].shape, (std::vector<std::int64_t>{7, 10}));
    ASSERT_EQ(files[1].datasets.size(), 2u);
    EXPECT_EQ(files[1].datasets[0].first_row, 7);
    EXPECT_EQ(files[1].datasets[0].shape, (std::vector<std::int64_t>{2, 10}));
    EXPECT_EQ(files[1].datasets[1].shape, tensors[1].shape);
    EXPECT_EQ(dataset_of(files[0], {0, 120, 160}), 0u);
    EXPECT_FALSE(error_of([&] { dataset_of(files[0], {1, 0, 160}); }).empty());
}

TEST(FileLayout, RefusesWhatIsNotWholeRowsOnceEach) {
    const std::vector<TensorInfo> tensors{rows("a", 9)};
    const auto problem = [&](std::vector<std::vector<TensorRange>> ranges) {
        return error_of([&] { lay_out_files(tensors, ranges, {0, 1}, "w"); });
    };
    EXPECT_NE(problem({{{0, 0, 100}}, {{0, 100, 260}}}).find("cut inside a row"),
              std::string::npos);
    EXPECT_NE(problem({{{0, 0, 120}}, {{0, 160, 200}}}).find("gap or overlap"), std::string::npos);
    EXPECT_NE(problem({{{0, 0, 160}}, {{0, 120, 240}}}).find("gap or overlap"), std::string::npos);
    EXPECT_NE(problem({{{0, 0, 120}}, {}}).find("no process holds all"), std::string::npos);
}

TEST(ShareReport, ComesBackAsItWasAndMakesTensorsWhole) {
    const Hash128 hash = hash_of("x", 1);
    const TensorInfo info = rows("a", 9);
    const ShareReport first{{{"w0", 500, std::string(32, '0')}},
                            {{info, {{"w0", 40, 0, 120, {hash}}}}}};
    const ShareReport second{{}, {{info, {{"w0", 160, 120, 240, {hash}}}}}};
    Manifest manifest;
    add_report(manifest, decode_report(encode_report(second)));
    add_report(manifest, decode_report(encode_report(first)));
    ASSERT_EQ(manifest.tensors.size(), 1u);
    ASSERT_EQ(manifest.tensors[0].pieces.size(), 2u);
    EXPECT_EQ(manifest.tensors[0].pieces[0].bytes, 120u);
    EXPECT_EQ(manifest.tensors[0].pieces[1].offset, 160u);
    EXPECT_EQ(manifest.tensors[0].pieces[1].blocks, std::vector<Hash128>{hash});
    EXPECT_EQ(manifest.files.size(), 1u);
    EXPECT_FALSE(error_of([&] { decode_report("{}"); }).empty());
}

}  // namespace
}  // namespace r1
