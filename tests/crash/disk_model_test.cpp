// SPDX-License-Identifier: Apache-2.0
// The model of a disk, on stories of a few operations.
#include "tests/crash/tools/disk_model.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "common/file.h"
#include "tests/common/temporary_folder.h"
#include "tests/crash/tools/child.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;

class Disk : public ::testing::Test {
  protected:
    void SetUp() override { fs::create_directory(root_); }
    std::string at(const char* name) const { return (root_ / name).string(); }
    void write(const char* name, const std::string& bytes, bool sync, int flags = O_CREAT) const {
        const FileDescriptor fd = open_file(root_ / name, O_WRONLY | flags);
        write_all(fd.get(), bytes, at(name));
        if (sync) sync_file(fd.get(), at(name));
    }
    // What is left after all of it: with every undecided effect lost, or those of `kept` not.
    Tree after(const std::function<void()>& story, const std::vector<std::size_t>& kept = {},
               bool garbage = false) {
        DiskModel model(root_);
        const shim::Plan plan = plan_for(root_, log_);
        r1_shim_arm(&plan);
        story();
        r1_shim_disarm();
        model.replay(shim::read_log(log_));
        const std::size_t end = model.records().size();
        undecided_ = model.undecided(end).size();
        const Fates everything{std::vector<std::uint8_t>(undecided_, kKept), false};
        EXPECT_EQ(model.after(end, everything), read_tree(root_));
        Fates fates{std::vector<std::uint8_t>(undecided_, kLost), garbage};
        for (const std::size_t i : kept) fates.of.at(i) = kKept;
        return model.after(end, fates);
    }
    TemporaryFolder folder_;
    fs::path root_ = folder_ / "root";
    fs::path log_ = folder_ / "log";
    std::size_t undecided_ = 0;
};

TEST_F(Disk, FileIsThereOnlyWithItsFolderAndItsBytesOnlyWhenSynced) {
    const Tree tree = after([&] {
        write("a", "synced", true);
        write("b", "lost", false);
        sync_folder(root_);
        write("c", "nameless", true);
    });
    EXPECT_EQ(tree.files, (std::map<std::string, std::string>{{"a", "synced"}, {"b", ""}}));
}

TEST_F(Disk, SizeAndBytesAreLostApart) {
    const auto story = [&] {
        write("a", "bytes", false);
        sync_folder(root_);
    };
    EXPECT_EQ(after(story, {0}).files.at("a"), std::string(5, '\0'));  // the size only
    fs::remove_all(root_);
    fs::create_directory(root_);
    fs::remove(log_);
    EXPECT_EQ(after(story, {0}, true).files.at("a"), std::string(5, '\xdb'));
    EXPECT_EQ(undecided_, 2u);
}

TEST_F(Disk, PagesAreLostApartAndTornAtSectors) {
    std::string bytes(9000, 'x');
    DiskModel model(root_);
    const shim::Plan plan = plan_for(root_, log_);
    r1_shim_arm(&plan);
    write("a", bytes, false);
    sync_folder(root_);
    r1_shim_disarm();
    model.replay(shim::read_log(log_));
    const std::size_t end = model.records().size();
    ASSERT_EQ(model.undecided(end).size(), 4u);  // the size and three pages
    const std::string left = model.after(end, {{kKept, 0b10, kLost, kKept}, false}).files.at("a");
    std::string right(9000, '\0');
    std::fill(right.begin() + 512, right.begin() + 1024, 'x');
    std::fill(right.begin() + 8192, right.end(), 'x');
    EXPECT_EQ(left, right);
}

TEST_F(Disk, OldBytesStayWhereNewOnesAreLost) {
    write("a", "old", true);
    EXPECT_EQ(after([&] { write("a", "NEW", false, 0); }).files.at("a"), "old");
}

TEST_F(Disk, RenameHappensWholeOrNot) {
    write("a", "1", true);
    write("b", "2", true);
    const auto story = [&] { ::rename(at("a").c_str(), at("b").c_str()); };
    EXPECT_EQ(after(story).files, (std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}}));
    EXPECT_EQ(undecided_, 1u);
}

TEST_F(Disk, SyncedExchangeIsDurable) {
    write("a", "1", true);
    write("b", "2", true);
    const Tree tree = after([&] {
        ::renameat2(AT_FDCWD, at("a").c_str(), AT_FDCWD, at("b").c_str(), RENAME_EXCHANGE);
        sync_folder(root_);
    });
    EXPECT_EQ(tree.files, (std::map<std::string, std::string>{{"a", "2"}, {"b", "1"}}));
}

TEST_F(Disk, FileMovedToAnotherFolderIsDurableWithThatFolder) {
    fs::create_directory(root_ / "to");
    write("a", "1", true);
    const Tree tree = after([&] {
        ::rename(at("a").c_str(), at("to/a").c_str());
        sync_folder(root_ / "to");
    });
    EXPECT_EQ(tree.files, (std::map<std::string, std::string>{{"to/a", "1"}}));
}

TEST_F(Disk, HardLinksShareTheirBytes) {
    write("a", "1", true);
    const Tree tree = after([&] {
        ::link(at("a").c_str(), at("b").c_str());
        sync_folder(root_);
        write("b", "2", true, 0);
        ::unlink(at("a").c_str());
    });
    EXPECT_EQ(tree.files, (std::map<std::string, std::string>{{"a", "2"}, {"b", "2"}}));
}

TEST_F(Disk, RemovalThatWasNotSyncedMayNotHaveHappened) {
    fs::create_directory(root_ / "d");
    write("d/a", "1", true);
    EXPECT_EQ(after([&] { fs::remove_all(root_ / "d"); }, {1}).files.size(), 0u);
    EXPECT_EQ(undecided_, 2u);
}

TEST_F(Disk, WhatIsInAFolderThatHasNoNameIsGone) {
    const Tree tree = after([&] {
        ::mkdir(at("d").c_str(), 0755);
        write("d/a", "1", true);
        sync_folder(root_ / "d");
    });
    EXPECT_EQ(tree, Tree{});
}

TEST_F(Disk, ReservedAndCutSizesCount) {
    const Tree tree = after([&] {
        const FileDescriptor fd = open_file(root_ / "a", O_WRONLY | O_CREAT);
        EXPECT_EQ(::posix_fallocate(fd.get(), 0, 100), 0);
        write_all(fd.get(), "12345", at("a"));
        EXPECT_EQ(::ftruncate(fd.get(), 3), 0);
        sync_file(fd.get(), at("a"));
        sync_folder(root_);
    });
    EXPECT_EQ(tree.files.at("a"), "123");
}

TEST_F(Disk, OperationThatIsNotKnownIsRefused) {
    EXPECT_THROW(after([&] { ::symlink("x", at("s").c_str()); }), std::runtime_error);
}

}  // namespace
}  // namespace r1::crash
