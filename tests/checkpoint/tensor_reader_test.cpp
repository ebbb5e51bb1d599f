// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <vector>

#include "tests/checkpoint/pieced_checkpoint.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

class TensorReaderTest : public ::testing::Test {
  protected:
    std::string read(std::uint64_t begin, std::uint64_t bytes, const char* tensor = "big") {
        std::string target(bytes, '\0');
        reader_.read(manifest_.tensor(tensor), begin, bytes, target.data());
        return target;
    }
    std::string problem(std::uint64_t begin, std::uint64_t bytes) {
        return error_of([&] { read(begin, bytes); });
    }
    PiecedCheckpoint checkpoint_;
    Manifest manifest_ = read_manifest(checkpoint_.path());
    TensorReader reader_{checkpoint_.path(), manifest_};
};

TEST_F(TensorReaderTest, ReadsAnyRangeOverBlocksPiecesAndFiles) {
    const std::string& all = checkpoint_.values("big");
    EXPECT_EQ(read(0, all.size()), all);
    std::mt19937 random(1);
    for (int i = 0; i < 500; ++i) {
        const std::size_t begin = random() % (all.size() + 1);
        const std::size_t bytes = random() % (all.size() - begin + 1);
        ASSERT_EQ(read(begin, bytes), all.substr(begin, bytes)) << begin << " " << bytes;
    }
    EXPECT_EQ(read(0, 100, "small"), checkpoint_.values("small"));
    EXPECT_EQ(read(0, 0, "none"), "");
}

TEST_F(TensorReaderTest, RangesThatTheTensorLacksAreRefused) {
    EXPECT_NE(problem(0, 30001).find("'big'"), std::string::npos);
    EXPECT_NE(problem(30001, 0), "");
    std::string target(1, '\0');
    for (const std::uint64_t begin : {std::uint64_t{1}, ~std::uint64_t{0}})
        EXPECT_NE(error_of([&] {
                      reader_.read(manifest_.tensor("big"), begin, ~std::uint64_t{0},
                                   target.data());
                  }),
                  "");
}

TEST_F(TensorReaderTest, OnlyTheBlocksOfTheRangeMustBeRight) {
    // Byte 15000 lies in the second block of the piece of b.h5, which begins at byte 10000.
    checkpoint_.flip("b.h5", 5000);
    for (const auto& [begin, bytes] :
         std::vector<std::pair<std::uint64_t, std::uint64_t>>{{14096, 1}, {18191, 1}, {0, 30000}})
        EXPECT_NE(problem(begin, bytes)
                      .find("block 1 of tensor 'big' in 'b.h5' (bytes 4096 to 8191) is damaged"),
                  std::string::npos)
            << problem(begin, bytes);
    EXPECT_EQ(problem(0, 14096), "");
    EXPECT_EQ(problem(18192, 30000 - 18192), "");
}

TEST_F(TensorReaderTest, FilesThatAreNoFilesOrEndTooEarlyAreErrors) {
    const fs::path file = checkpoint_.path() / "b.h5";
    const auto fresh_problem = [&] {
        TensorReader reader(checkpoint_.path(), manifest_);
        std::string target(30000, '\0');
        return error_of([&] { reader.read(manifest_.tensor("big"), 0, 30000, target.data()); });
    };
    EXPECT_EQ(fresh_problem(), "");
    fs::resize_file(file, 12000);
    EXPECT_NE(fresh_problem().find("ends too early"), std::string::npos);
    fs::remove(file);
    EXPECT_NE(fresh_problem().find("No such file"), std::string::npos);
    fs::create_symlink(checkpoint_.path() / "a.h5", file);
    EXPECT_NE(fresh_problem(), "");
    fs::remove(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    EXPECT_NE(fresh_problem().find("not a regular file"), std::string::npos);
    fs::remove(file);
    fs::create_directory(file);
    EXPECT_NE(fresh_problem().find("not a regular file"), std::string::npos);
}

}  // namespace
}  // namespace r1
