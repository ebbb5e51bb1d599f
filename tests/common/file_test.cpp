// SPDX-License-Identifier: Apache-2.0
#include "common/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/error.h"
#include "tests/common/message_of.h"
#include "tests/common/temporary_folder.h"

namespace r1 {

namespace {

namespace fs = std::filesystem;

std::ptrdiff_t entries(const fs::path& folder) {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

unsigned mode_of(const fs::path& path) {
    struct stat facts {};
    EXPECT_EQ(::stat(path.c_str(), &facts), 0);
    return facts.st_mode & 07777u;
}

}  // namespace

TEST(OpenFile, MissingFileIsNamed) {
    const TemporaryFolder folder;
    const std::string path = (folder / "absent").string();
    EXPECT_EQ(message_of([&] { open_file(path, O_RDONLY); }),
              "cannot open '" + path + "': No such file or directory");
}

TEST(OpenFile, DescriptorIsClosedOnExec) {
    const FileDescriptor fd = open_file("/dev/null", O_RDONLY);
    EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(ReadFile, BytesComeBackUnchanged) {
    const TemporaryFolder folder;
    std::string bytes(200'000, 'x');
    bytes[0] = '\0';
    bytes[100'000] = '\n';
    write_file_durably(folder / "f", bytes);
    EXPECT_EQ(read_file(folder / "f"), bytes);
}

TEST(ReadFile, LargerThanTheLimitIsRefused) {
    const TemporaryFolder folder;
    const std::string path = (folder / "f").string();
    write_file_durably(path, "12345");
    EXPECT_EQ(read_file(path, 5), "12345");
    EXPECT_EQ(message_of([&] { read_file(path, 4); }), "'" + path + "' is larger than 4 bytes");
}

TEST(ReadFile, FolderIsAnErrorThatNamesIt) {
    const TemporaryFolder folder;
    EXPECT_EQ(message_of([&] { read_file(folder.path()); }),
              "cannot read '" + folder.path().string() + "': Is a directory");
}

TEST(WriteFileDurably, ReplacesTheOldBytesAndLeavesNothingElse) {
    const TemporaryFolder folder;
    write_file_durably(folder / "f", "a long first text");
    write_file_durably(folder / "f", "short");
    EXPECT_EQ(read_file(folder / "f"), "short");
    EXPECT_EQ(entries(folder.path()), 1);
}

TEST(WriteFileDurably, ModeIsAsAsked) {
    const TemporaryFolder folder;
    write_file_durably(folder / "private", "secret", 0600);
    EXPECT_EQ(mode_of(folder / "private"), 0600u);
    write_file_durably(folder / "private", "secret", 0400);
    EXPECT_EQ(mode_of(folder / "private"), 0400u);
}

TEST(WriteFileDurably, LeftoverOfAKilledWriterKeepsItsModeToItself) {
    const TemporaryFolder folder;
    const fs::path leftover = folder / (".f.tmp-" + std::to_string(::getpid()) + "-0");
    write_file_durably(leftover, "torn", 0644);
    write_file_durably(folder / "f", "whole", 0600);
    EXPECT_EQ(mode_of(folder / "f"), 0600u);
    EXPECT_EQ(read_file(folder / "f"), "whole");
    EXPECT_EQ(read_file(leftover), "torn");
}

TEST(WriteFileDurably, FailureKeepsTheTargetAndRemovesTheTemporary) {
    const TemporaryFolder folder;
    fs::create_directories(folder / "f/inside");
    EXPECT_EQ(message_of([&] { write_file_durably(folder / "f", "x"); }),
              "cannot rename to '" + (folder / "f").string() + "': Is a directory");
    EXPECT_TRUE(fs::exists(folder / "f/inside"));
    EXPECT_EQ(entries(folder.path()), 1);
}

TEST(WriteFileDurably, MissingFolderThrows) {
    const TemporaryFolder folder;
    EXPECT_THROW(write_file_durably(folder / "absent/f", "x"), Error);
}

TEST(WriteFileDurably, BareNameIsWrittenInTheWorkingFolder) {
    const TemporaryFolder folder;
    const fs::path before = fs::current_path();
    fs::current_path(folder.path());
    write_file_durably("f", "x");
    fs::current_path(before);
    EXPECT_EQ(read_file(folder / "f"), "x");
}

TEST(WriteAll, FullDeviceNamesThePath) {
    const FileDescriptor fd = open_file("/dev/full", O_WRONLY);
    EXPECT_EQ(message_of([&] { write_all(fd.get(), "x", "/runs/metrics"); }),
              "cannot write '/runs/metrics': No space left on device");
}

TEST(SyncFolder, MissingFolderThrows) {
    EXPECT_THROW(sync_folder("/nonexistent-r1"), Error);
}

TEST(LineAppender, LinesOfTwoWritersInTurnAreAllKept) {
    const TemporaryFolder folder;
    {
        LineAppender lines(folder / "m");
        lines.append("one");
        lines.append("two");
        lines.sync();
    }
    LineAppender lines(folder / "m");
    lines.append("three");
    EXPECT_EQ(read_file(folder / "m"), "one\ntwo\nthree\n");
}

TEST(LineAppender, TornLastLineDoesNotSwallowTheNext) {
    const TemporaryFolder folder;
    write_file_durably(folder / "m", "one\ntw");
    LineAppender lines(folder / "m");
    lines.append("three");
    EXPECT_EQ(read_file(folder / "m"), "one\ntw\nthree\n");
}

}  // namespace r1
