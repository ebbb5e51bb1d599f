// SPDX-License-Identifier: Apache-2.0
// The shim itself: it sees every call, does the harm that it was asked for, and no other.
#include "tests/crash/shim/shim.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <thread>

#include "common/file.h"
#include "common/time.h"
#include "tests/common/temporary_folder.h"
#include "tests/crash/shim/operation_log.h"
#include "tests/crash/tools/child.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;
using shim::Kind;

class Shim : public ::testing::Test {
  protected:
    void SetUp() override { fs::create_directory(root_); }
    void TearDown() override { r1_shim_disarm(); }
    std::string at(const char* name) const { return (root_ / name).string(); }
    void arm(shim::Plan plan = {}) {
        plan.root = root_.c_str();
        plan.log = log_.c_str();
        r1_shim_arm(&plan);
    }
    std::vector<shim::Record> records() {
        r1_shim_disarm();
        return shim::read_log(log_);
    }
    // "open a, write a, …" of the names below the root.
    std::string story() {
        std::string text;
        for (const shim::Record& record : records()) {
            if (!text.empty()) text += ", ";
            text += std::string(shim::to_string(record.kind)) + " " +
                    fs::path(record.path).lexically_relative(root_).string();
            if (!record.path2.empty())
                text += " " + fs::path(record.path2).lexically_relative(root_).string();
        }
        return text;
    }
    TemporaryFolder folder_;
    fs::path root_ = folder_ / "root";
    fs::path log_ = folder_ / "log";
};

TEST_F(Shim, SeesCallsOnDescriptors) {
    arm();
    const int fd = ::open(at("a").c_str(), O_RDWR | O_CREAT, 0644);
    EXPECT_EQ(::write(fd, "12345", 5), 5);
    EXPECT_EQ(::pwrite(fd, "67", 2, 3), 2);
    iovec parts[] = {{const_cast<char*>("x"), 1}, {const_cast<char*>("yz"), 2}};
    EXPECT_EQ(::writev(fd, parts, 2), 3);
    EXPECT_EQ(::posix_fallocate(fd, 0, 100), 0);
    EXPECT_EQ(::ftruncate(fd, 50), 0);
    EXPECT_EQ(::fsync(fd), 0);
    EXPECT_EQ(::fdatasync(fd), 0);
    EXPECT_EQ(::close(fd), 0);
    const std::vector<shim::Record> all = records();
    EXPECT_EQ(story(),
              "open a, write a, write a, write a, fallocate a, ftruncate a, fsync a, fsync a, "
              "close a");
    EXPECT_EQ(all[1].data, "12345");
    EXPECT_EQ(all[2].offset, 3u);
    EXPECT_EQ(all[3].data, "xyz");
    EXPECT_EQ(all[3].offset, 5u);
    EXPECT_EQ(all[4].bytes, 100u);
    EXPECT_EQ(all[5].offset, 50u);
    struct stat status {};
    ASSERT_EQ(::stat(at("a").c_str(), &status), 0);
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].number, i + 1);
        EXPECT_EQ(all[i].inode, status.st_ino) << describe(all[i]);
    }
}

TEST_F(Shim, SeesCallsOnNames) {
    arm();
    EXPECT_EQ(::mkdir(at("d").c_str(), 0755), 0);
    EXPECT_EQ(::close(::creat(at("d/a").c_str(), 0644)), 0);
    EXPECT_EQ(::link(at("d/a").c_str(), at("b").c_str()), 0);
    EXPECT_EQ(::symlink("/etc/passwd", at("s").c_str()), 0);
    EXPECT_EQ(::rename(at("b").c_str(), at("c").c_str()), 0);
    EXPECT_EQ(::renameat2(AT_FDCWD, at("c").c_str(), AT_FDCWD, at("d/a").c_str(), RENAME_EXCHANGE),
              0);
    EXPECT_EQ(::unlink(at("c").c_str()), 0);
    EXPECT_EQ(::truncate(at("d/a").c_str(), 3), 0);
    EXPECT_EQ(::remove(at("d/a").c_str()), 0);
    EXPECT_EQ(::rmdir(at("d").c_str()), 0);
    EXPECT_EQ(::remove(at("s").c_str()), 0);
    const std::vector<shim::Record> all = records();
    ASSERT_EQ(all.size(), 11u);
    EXPECT_EQ(all[3].path, "/etc/passwd");
    EXPECT_EQ(all[5].flags, int{RENAME_EXCHANGE});
    EXPECT_EQ(all[8].kind, Kind::kUnlink);
    EXPECT_EQ(all[9].kind, Kind::kRmdir);
    EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(Shim, SeesRelativeNamesAndFolderDescriptors) {
    arm();
    const int folder = ::open(at("").c_str(), O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(::mkdirat(folder, "./x", 0755), 0);
    EXPECT_EQ(::close(::openat(folder, "x/../y", O_CREAT | O_WRONLY, 0644)), 0);
    EXPECT_EQ(::renameat(folder, "y", folder, "x/y"), 0);
    EXPECT_EQ(::fsync(folder), 0);
    EXPECT_EQ(::unlinkat(folder, "x/y", 0), 0);
    EXPECT_EQ(::unlinkat(folder, "x", AT_REMOVEDIR), 0);
    ::close(folder);
    EXPECT_EQ(story(), "mkdir x, open y, rename y x/y, fsync ., unlink x/y, rmdir x");
}

TEST_F(Shim, SeesTheStandardLibrary) {
    arm();
    fs::create_directories(root_ / "a" / "b");
    std::ofstream(root_ / "a" / "f") << "text";
    fs::rename(root_ / "a" / "f", root_ / "a" / "g");
    fs::remove_all(root_ / "a");
    std::set<std::string> seen;
    std::string text;
    for (const shim::Record& record : records()) {
        seen.insert(std::string(to_string(record.kind)) + (record.done() ? "" : " failed"));
        text += record.data;
    }
    for (const char* call : {"mkdir", "open", "write", "rename", "unlink", "rmdir"})
        EXPECT_TRUE(seen.contains(call)) << call;
    EXPECT_EQ(text, "text");
}

TEST_F(Shim, LeavesOtherFoldersAndReadingAlone) {
    write_file_durably(root_ / "a", "old");
    arm();
    EXPECT_EQ(read_file(root_ / "a"), "old");
    std::ofstream(folder_ / "root-beside") << "x";
    fs::remove(folder_ / "root-beside");
    EXPECT_EQ(r1_shim_operations(), 0u);
    r1_shim_mark("here");
    EXPECT_EQ(records().at(0).path, "here");
}

TEST_F(Shim, RecordsOpensWhenAsked) {
    fs::create_symlink("/dev/null", root_ / "link");
    shim::Plan plan;
    plan.record_opens = true;
    arm(plan);
    read_file(root_ / "link");
    const std::vector<shim::Record> all = records();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].path, at("link"));
    EXPECT_EQ(all[0].path2, "/dev/null");
    EXPECT_EQ(all[0].kind, Kind::kLook);
}

TEST_F(Shim, NumbersOverAllThreads) {
    arm();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            const std::string name = at(("f" + std::to_string(t)).c_str());
            for (int i = 0; i < 50; ++i) ::close(::creat(name.c_str(), 0644));
        });
    for (std::thread& thread : threads) thread.join();
    std::set<std::uint64_t> numbers;
    for (const shim::Record& record : records()) numbers.insert(record.number);
    EXPECT_EQ(numbers.size(), 200u);
    EXPECT_EQ(*numbers.rbegin(), 200u);
}

TEST_F(Shim, KillsBeforeOrAfterTheOperation) {
    for (const bool after : {false, true}) {
        shim::Plan plan = plan_for(root_);
        (after ? plan.kill_after : plan.kill_before) = 2;
        const Ending ending = in_child(plan, [&] {
            for (const char* name : {"one", "two", "three"}) ::mkdir(at(name).c_str(), 0755);
        });
        EXPECT_TRUE(ending.killed);
        EXPECT_TRUE(fs::exists(root_ / "one"));
        EXPECT_EQ(fs::exists(root_ / "two"), after);
        EXPECT_FALSE(fs::exists(root_ / "three"));
        fs::remove_all(root_ / "one");
    }
}

TEST_F(Shim, FailsAsOftenAsAskedAndOnlyThoseKinds) {
    shim::Plan plan;
    plan.fail_at = 2;
    plan.fail_times = 2;
    plan.fail_errno = ENOSPC;
    plan.fail_kinds = shim::kAllocating;
    arm(plan);
    std::string got;
    for (const char* name : {"a", "b", "c", "d"}) {
        got += ::mkdir(at(name).c_str(), 0755) == 0 ? "+" : (errno == ENOSPC ? "-" : "?");
        got += ::rmdir(at(name).c_str()) == 0 ? "+" : "-";
    }
    EXPECT_EQ(got, "++----++");  // what was not made cannot be removed
    const std::vector<shim::Record> all = records();
    EXPECT_EQ(all.at(2).error, ENOSPC);
    EXPECT_EQ(all.at(3).error, ENOENT);
}

TEST_F(Shim, FailedCallsDoNothing) {
    const int fd = ::open(at("a").c_str(), O_RDWR | O_CREAT, 0644);
    shim::Plan plan;
    plan.fail_at = 1;
    plan.fail_times = shim::kForEver;
    plan.fail_errno = EDQUOT;
    arm(plan);
    EXPECT_EQ(::write(fd, "x", 1), -1);
    EXPECT_EQ(errno, EDQUOT);
    EXPECT_EQ(::posix_fallocate(fd, 0, 10), EDQUOT);
    EXPECT_EQ(::fsync(fd), -1);
    EXPECT_EQ(::close(fd), -1);
    EXPECT_EQ(::fcntl(fd, F_GETFD), -1) << "a close that fails has closed";
    EXPECT_EQ(fs::file_size(root_ / "a"), 0u);
}

TEST_F(Shim, WritesShortAndSlowly) {
    const int fd = ::open(at("a").c_str(), O_RDWR | O_CREAT, 0644);
    shim::Plan plan;
    plan.short_at = 1;
    plan.bytes_per_second = 100000;
    arm(plan);
    const double start = monotonic_seconds();
    const std::string bytes(10000, 'x');
    EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), 4096);
    EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), 10000);
    EXPECT_GE(monotonic_seconds() - start, 0.19);
    ::close(fd);
    EXPECT_EQ(fs::file_size(root_ / "a"), 14096u);
    EXPECT_EQ(records().at(0).data.size(), 4096u);
}

TEST_F(Shim, RefusesWhatAPoorFileSystemCannotDo) {
    for (const char* name : {"a", "b"}) std::ofstream(root_ / name) << name;
    shim::Plan plan;
    plan.refuse = shim::kNoExchange | shim::kNoHardLinks | shim::kNoDirect | shim::kNoAllocate;
    arm(plan);
    EXPECT_EQ(::renameat2(AT_FDCWD, at("a").c_str(), AT_FDCWD, at("b").c_str(), RENAME_EXCHANGE),
              -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(::link(at("a").c_str(), at("c").c_str()), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::open(at("a").c_str(), O_RDWR | O_DIRECT), -1);
    EXPECT_EQ(errno, EINVAL);
    const int fd = ::open(at("a").c_str(), O_RDWR);
    EXPECT_EQ(::posix_fallocate(fd, 0, 100), EOPNOTSUPP);
    ::close(fd);
    EXPECT_EQ(::rename(at("a").c_str(), at("b").c_str()), 0);
}

// Any program under LD_PRELOAD, with its plan in the environment.
class Preloaded : public Shim {
  protected:
    int run(const std::string& environment, const std::string& command) const {
        return ::system(("env LD_PRELOAD=" R1_SHIM_LIBRARY " R1_SHIM_ROOT=" + root_.string() + " " +
                         environment + " " + command + " 2>" + (folder_ / "errors").string())
                            .c_str());
    }
};

TEST_F(Preloaded, ProgramIsRecordedFailedAndKilled) {
    EXPECT_EQ(run("R1_SHIM_LOG=" + log_.string(), "mkdir " + at("a") + " " + at("b")), 0);
    EXPECT_EQ(story(), "mkdir a, mkdir b");
    const std::string fail = "R1_SHIM_FAIL_AT=1 R1_SHIM_FAIL_ERRNO=EDQUOT";
    EXPECT_NE(run(fail, "mkdir " + at("c")), 0);
    EXPECT_NE(read_file(folder_ / "errors").find("quota"), std::string::npos);
    const int status = run("R1_SHIM_KILL_AFTER=1", "mkdir " + at("d") + " " + at("e"));
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGKILL) << status;
    EXPECT_TRUE(fs::exists(root_ / "d"));
    EXPECT_FALSE(fs::exists(root_ / "e"));
}

TEST_F(Preloaded, OnlyTheRankInQuestionIsKilled) {
    const std::string kill = "R1_SHIM_KILL_BEFORE=1 R1_SHIM_RANK=1 OMPI_COMM_WORLD_RANK=";
    EXPECT_EQ(run(kill + "0", "mkdir " + at("a")), 0);
    EXPECT_NE(run(kill + "1", "mkdir " + at("b")), 0);
    EXPECT_FALSE(fs::exists(root_ / "b"));
}

TEST_F(Preloaded, ProcessesShareACounter) {
    const std::string shared =
        "R1_SHIM_LOG=" + log_.string() + " R1_SHIM_COUNTER=" + (folder_ / "counter").string();
    for (const char* name : {"a", "b", "c"}) EXPECT_EQ(run(shared, "mkdir " + at(name)), 0);
    const std::vector<shim::Record> all = records();
    ASSERT_EQ(all.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(all[i].number, i + 1);
    EXPECT_NE(all[0].pid, all[2].pid);
}

TEST_F(Preloaded, WordThatIsNoNumberIsRefused) {
    EXPECT_NE(run("R1_SHIM_KILL_AFTER=2nd", "mkdir " + at("a")), 0);
    EXPECT_EQ(read_file(folder_ / "errors"),
              "crash shim: R1_SHIM_KILL_AFTER=2nd is not understood\n");
}

}  // namespace
}  // namespace r1::crash
