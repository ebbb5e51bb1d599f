// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "checkpoint/sequential_file.h"
#include "common/file.h"
#include "tests/checkpoint/pieced_checkpoint.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

class FindDamage : public ::testing::Test {
  protected:
    std::vector<Damage> find(int part = 0, int parts = 1) {
        VerifyOptions options;
        options.part = part;
        options.parts = parts;
        return find_damage(checkpoint_.path(), manifest_, options);
    }
    // What a wrong byte of a file belongs to.
    Damage expected(const std::string& file, std::uint64_t at) const {
        for (const PieceOf& one : pieces_in(manifest_, file)) {
            const std::uint64_t begin = one.piece->offset;
            if (at < begin || at - begin >= one.piece->bytes) continue;
            const std::uint64_t block = (at - begin) / manifest_.block_bytes;
            return {file, one.tensor->name, block, begin + block * manifest_.block_bytes, {}};
        }
        return {file, {}, 0, 0, {}};
    }
    static void expect_equal(const Damage& found, const Damage& expected) {
        EXPECT_EQ(found.file, expected.file);
        EXPECT_EQ(found.tensor, expected.tensor);
        EXPECT_EQ(found.block, expected.block);
        EXPECT_EQ(found.offset, expected.offset);
    }
    PiecedCheckpoint checkpoint_;
    Manifest manifest_ = read_manifest(checkpoint_.path());
};

TEST_F(FindDamage, AnyWrongByteIsNamedByItsFileTensorAndBlock) {
    EXPECT_TRUE(find().empty());
    for (const auto& [file, bytes] : checkpoint_.files()) {
        for (std::size_t at = 0; at < bytes.size(); at += 61) {
            checkpoint_.flip(file, at);
            const std::vector<Damage> list = find();
            ASSERT_EQ(list.size(), 1u) << file << " at " << at;
            expect_equal(list[0], expected(file, at));
        }
        checkpoint_.restore(file);
    }
}

TEST_F(FindDamage, ListsEverythingThatIsWrong) {
    for (const auto& [file, bytes] : checkpoint_.files())
        write_bytes(checkpoint_.path() / file, std::string(bytes.size(), 'x'));
    std::size_t blocks = 0;
    for (const TensorEntry& tensor : manifest_.tensors)
        for (const TensorPiece& piece : tensor.pieces) blocks += piece.blocks.size();
    EXPECT_EQ(find().size(), blocks + 2);  // and the rests of two files that have one
    EXPECT_NE(find()[0].text.find("tensor 'big' in 'a.h5' (bytes 300 to 4395) is damaged"),
              std::string::npos)
        << find()[0].text;
}

TEST_F(FindDamage, PartsReadEveryByteOnceAndShareItEvenly) {
    std::uint64_t total = 0;
    for (const FileEntry& file : manifest_.files) total += file.bytes;
    for (int parts = 1; parts <= 20; ++parts) {
        std::uint64_t sum = 0;
        for (int part = 0; part < parts; ++part) {
            std::uint64_t read = 0;
            VerifyOptions options;
            options.part = part;
            options.parts = parts;
            options.read_so_far = [&](std::uint64_t bytes) { read = bytes; };
            EXPECT_TRUE(find_damage(checkpoint_.path(), manifest_, options).empty());
            const std::uint64_t largest_unit = 4377;  // the rest of a.h5
            EXPECT_LE(read, total / static_cast<std::uint64_t>(parts) + largest_unit);
            sum += read;
        }
        EXPECT_EQ(sum, total) << parts;
    }
}

TEST_F(FindDamage, ExactlyOnePartFindsAWrongByte) {
    for (const auto& [file, bytes] : checkpoint_.files()) {
        for (std::size_t at = 0; at < bytes.size(); at += 997) {
            checkpoint_.flip(file, at);
            for (const int parts : {2, 3, 7, 100}) {
                std::vector<Damage> all;
                for (int part = 0; part < parts; ++part)
                    for (const Damage& one : find(part, parts)) all.push_back(one);
                ASSERT_EQ(all.size(), 1u) << file << " at " << at << " of " << parts;
                expect_equal(all[0], expected(file, at));
            }
        }
        checkpoint_.restore(file);
    }
    EXPECT_NE(error_of([&] { find(3, 3); }, ExitCode::kUsage), "");
    EXPECT_NE(error_of([&] { find(0, 0); }, ExitCode::kUsage), "");
}

TEST_F(FindDamage, StopEndsItEarlyWithWhatWasFound) {
    checkpoint_.flip("a.h5", 300);
    std::stop_source stop;
    VerifyOptions options;
    options.stop = stop.get_token();
    std::uint64_t read = 0;
    options.read_so_far = [&](std::uint64_t bytes) {
        read = bytes;
        if (bytes > 5000) stop.request_stop();
    };
    EXPECT_EQ(find_damage(checkpoint_.path(), manifest_, options).size(), 1u);
    EXPECT_LT(read, 10000u);
}

TEST_F(FindDamage, AFileThatCannotBeReadIsOneDamage) {
    const fs::path file = checkpoint_.path() / "b.h5";
    const auto problem = [&] {
        const std::vector<Damage> list = find();
        EXPECT_EQ(list.size(), 1u);
        EXPECT_EQ(list.at(0).file, "b.h5");
        EXPECT_EQ(list.at(0).tensor, "");
        return list.at(0).text;
    };
    fs::resize_file(file, 100);
    EXPECT_NE(problem().find("'b.h5' cannot be read: it has 100 bytes"), std::string::npos);
    fs::remove(file);
    EXPECT_NE(problem().find("No such file"), std::string::npos);
    fs::create_symlink(checkpoint_.path() / "a.h5", file);
    problem();
    fs::remove(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    EXPECT_NE(problem().find("not a regular file"), std::string::npos);
    fs::remove(file);
    fs::create_directory(file);
    EXPECT_NE(problem().find("not a regular file"), std::string::npos);
}

TEST(SequentialFile, ReadsAnyRangesInOrder) {
    const TemporaryFolder folder;
    std::string bytes;
    std::mt19937 random(1);
    while (bytes.size() < (20u << 20) + 77) bytes.push_back(static_cast<char>(random()));
    write_bytes(folder / "x", bytes);
    SequentialFile file;
    ASSERT_EQ(file.open(folder / "x"), "");
    EXPECT_EQ(file.bytes(), bytes.size());
    for (std::size_t begin = 0; begin < bytes.size();) {
        const std::size_t end = std::min<std::size_t>(bytes.size(), begin + random() % 3'000'000);
        Hasher hasher;
        ASSERT_EQ(file.hash(begin, end, random() % 2 == 0 ? end : bytes.size(), hasher), "");
        ASSERT_EQ(hasher.digest(), hash_of(bytes.data() + begin, end - begin)) << begin;
        begin = end + random() % 100'000;
    }
    for (const std::size_t until : {std::size_t{1}, bytes.size() / 2}) {
        Hasher first;  // leaves a read under way, which is not the next file's
        ASSERT_EQ(file.hash(0, until, bytes.size(), first), "");
        const std::string other(bytes.size(), 'y');
        write_bytes(folder / "y", other);
        ASSERT_EQ(file.open(folder / "y"), "");
        Hasher all;
        ASSERT_EQ(file.hash(0, other.size(), other.size(), all), "");
        EXPECT_EQ(all.digest(), hash_of(other.data(), other.size()));
        ASSERT_EQ(file.open(folder / "x"), "");
    }
    Hasher hasher;
    EXPECT_EQ(file.hash(bytes.size(), bytes.size() + 1, bytes.size() + 1, hasher),
              "it ends too early");
}

TEST(SequentialFile, ReadsWhereTheFileSystemHasNoDirectReads) {
    const fs::path path = "/sys/kernel/btf/vmlinux";
    std::error_code error;
    if (fs::file_size(path, error) == 0 || error) GTEST_SKIP() << path << " is not there";
    const FileDescriptor direct{::open(path.c_str(), O_RDONLY | O_DIRECT)};
    if (direct) GTEST_SKIP() << path << " can be read directly";
    const std::string bytes = read_file(path);
    SequentialFile file;
    ASSERT_EQ(file.open(path), "");
    Hasher hasher;
    ASSERT_EQ(file.hash(0, bytes.size(), bytes.size(), hasher), "");
    EXPECT_EQ(hasher.digest(), hash_of(bytes.data(), bytes.size()));
}

}  // namespace
}  // namespace r1
