// SPDX-License-Identifier: Apache-2.0
// C3: every operation that changes the disk fails in every way, once, some times or from then on.
// No process crashes, what was there stays, nothing temporary is left, a sync that failed is not
// tried again, and once the fault is gone the next save works.
#include "common/error.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "checkpoint/commit.h"
#include "tests/crash/shim/operation_log.h"
#include "tests/crash/tools/child.h"
#include "tests/crash/tools/figure.h"
#include "tests/crash/tools/numbered.h"
#include "tests/crash/tools/programs.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNext = 9;  // step and number of the save after the fault

/// A way in which the disk goes wrong.
struct Fault {
    const char* name;
    int error;  ///< 0: writes are short
    std::uint64_t times;
    std::uint32_t kinds;
    bool is_fault = true;  ///< false: a save has to live with it
};
const std::vector<Fault> kFaults = {
    {"ENOSPC", ENOSPC, 1, shim::kAllocating},
    {"ENOSPC from then on", ENOSPC, shim::kForEver, shim::kAllocating},
    {"EDQUOT", EDQUOT, 1, shim::kAllocating},
    {"EDQUOT from then on", EDQUOT, shim::kForEver, shim::kAllocating},
    {"EIO", EIO, 1, shim::kEveryKind},
    {"EIO from then on", EIO, shim::kForEver, shim::kEveryKind & ~shim::kRemovals},
    {"EIO from then on, for removals too", EIO, shim::kForEver, shim::kEveryKind},
    {"a failed fsync", EIO, 1, bit(shim::Kind::kSync)},
    {"failed fsyncs from then on", EIO, shim::kForEver, bit(shim::Kind::kSync)},
    {"EROFS from then on", EROFS, shim::kForEver, shim::kEveryKind},
    {"EINTR", EINTR, 1, shim::kEveryKind},
    {"EINTR three times", EINTR, 3, bit(shim::Kind::kWrite) | bit(shim::Kind::kAllocate), false},
    {"a short write", 0, 1, shim::kEveryKind, false},
    {"short writes from then on", 0, shim::kForEver, shim::kEveryKind, false},
};

/// Every case, and what was wrong in them.
struct Toll {
    std::uint64_t cases = 0;
    std::uint64_t reported = 0;  ///< ended in an Error
    std::uint64_t bad = 0;
};

class Case {
  public:
    Case(const Program& program, const Fault& fault, std::uint64_t number, Toll& toll)
        : program_(program), fault_(fault), number_(number), toll_(toll) {}

    void run() {
        fs::create_directory(root_);
        program_.prepare(checkpoints_);
        shim::Plan plan = plan_for(root_, log_);
        plan.refuse = program_.refuse;
        if (fault_.error == 0) {
            plan.short_at = number_;
            plan.short_times = fault_.times;
        } else {
            plan.fail_at = number_;
            plan.fail_errno = fault_.error;
            plan.fail_times = fault_.times;
            plan.fail_kinds = fault_.kinds;
        }
        const Ending ending = in_child(plan, [&] { program_.run(checkpoints_); });
        const std::vector<shim::Record> records = shim::read_log(log_);
        ++toll_.cases;
        if (!ending.error.empty()) ++toll_.reported;
        expect(ending.trouble.empty() && !ending.killed, "ended by itself: " + ending.trouble);
        expect(fault_.is_fault || ending.finished, "could have gone on: " + ending.error);
        try {
            expect_what_was_there_stays(ending);
            expect_nothing_temporary(records);
            expect_no_second_sync(records);
            expect_next_save_works();
        } catch (const std::exception& e) {
            expect(false, e.what());
        }
    }

  private:
    void expect(bool right, const std::string& what) {
        if (!right) ++toll_.bad;
        EXPECT_TRUE(right) << program_.name << ", " << fault_.name << " at operation " << number_
                           << ": " << what;
    }

    void expect_what_was_there_stays(const Ending& ending) {
        const std::int64_t found = newest_number(checkpoints_);
        expect(found == program_.after || (!ending.finished && found == program_.before),
               "found " + std::to_string(found) + " after '" + ending.error + "'");
        expect(damaged(checkpoints_).empty(), joined(damaged(checkpoints_)));
    }

    // Unless what would have removed it failed. What the disk may still need stays after a sync
    // that failed, until the next process.
    void expect_nothing_temporary(const std::vector<shim::Record>& records) {
        if (!fs::exists(checkpoints_)) return;
        const auto has_failed = [&](std::uint32_t kinds) {
            return std::any_of(records.begin(), records.end(), [&](const shim::Record& record) {
                return !record.done() && (bit(record.kind) & kinds) != 0 &&
                       record.error != EISDIR && record.error != ENOENT;
            });
        };
        if (has_failed(shim::kRemovals)) return;
        std::vector<std::string> left = leftovers(checkpoints_);
        if (has_failed(bit(shim::Kind::kSync)))
            std::erase_if(left, [](const std::string& name) { return !name.starts_with(".tmp-"); });
        expect(left.empty(), joined(left));
    }

    // A second fsync may succeed although the bytes are gone.
    void expect_no_second_sync(const std::vector<shim::Record>& records) {
        std::set<std::uint64_t> failed;
        for (const shim::Record& record : records) {
            if (record.kind != shim::Kind::kSync) continue;
            expect(!failed.contains(record.inode), "a second try: " + describe(record));
            if (!record.done()) failed.insert(record.inode);
        }
    }

    void expect_next_save_works() {
        retain(checkpoints_, 4);
        if (fs::exists(checkpoints_))
            expect(leftovers(checkpoints_).empty(), "left: " + joined(leftovers(checkpoints_)));
        save_number(checkpoints_, kNext, kNext);
        retain(checkpoints_, 1);
        expect(newest_number(checkpoints_) == kNext, "the next save is not there");
        expect(leftovers(checkpoints_).empty(), "left: " + joined(leftovers(checkpoints_)));
    }

    const Program& program_;
    const Fault& fault_;
    std::uint64_t number_;
    Toll& toll_;
    RunFolder folder_;
    fs::path root_ = folder_.path() / "run";
    fs::path checkpoints_ = root_ / "checkpoints";
    fs::path log_ = folder_.path() / "log";
};

/// The kinds of a program's operations, by their numbers.
std::vector<shim::Kind> kinds_of(const Program& program) {
    const MemoryFolder folder;
    const fs::path root = folder.path() / "run";
    const fs::path log = folder.path() / "log";
    fs::create_directory(root);
    program.prepare(root / "checkpoints");
    shim::Plan plan = plan_for(root, log);
    plan.refuse = program.refuse;
    const Ending ending = in_child(plan, [&] { program.run(root / "checkpoints"); });
    EXPECT_TRUE(ending.finished) << ending.error << ending.trouble;
    std::vector<shim::Kind> kinds;
    for (const shim::Record& record : shim::read_log(log)) kinds.push_back(record.kind);
    return kinds;
}

TEST(DiskError, OfEveryKindAtEveryOperationLosesNothing) {
    Toll toll;
    std::uint64_t operations = 0;
    for (const Program& program : programs()) {
        const std::vector<shim::Kind> kinds = kinds_of(program);
        operations += kinds.size();
        for (std::size_t i = 0; i < kinds.size(); ++i)
            for (const Fault& fault : kFaults) {
                const bool hits = fault.error == 0 ? kinds[i] == shim::Kind::kWrite
                                                   : (fault.kinds & bit(kinds[i])) != 0;
                if (hits) Case(program, fault, i + 1, toll).run();
            }
    }
    EXPECT_GT(toll.reported, toll.cases / 2);
    print_figure("C3", grouped(toll.cases) + " faults at " + grouped(operations) + " operations, " +
                           grouped(toll.reported) + " reported as errors, " + grouped(toll.bad) +
                           " crashes, losses or leftovers");
}

TEST(DiskError, WhatCannotBeSyncedIsNotClearedAway) {
    for (const char* name : {".tmp-step-00000002-1", "step-00000001/1-w00000-of-00001.h5"}) {
        const MemoryFolder folder;
        save_number(folder.path(), 1, 1);
        std::ofstream(folder.path() / name) << "what the disk may still need";
        shim::Plan plan = plan_for(folder.path());
        plan.fail_at = 1;
        plan.fail_errno = EIO;
        plan.fail_kinds = bit(shim::Kind::kSync);
        const Ending ending = in_child(plan, [&] { retain(folder.path(), 1); });
        EXPECT_NE(ending.error, "") << name;
        EXPECT_EQ(joined(leftovers(folder.path())), name);
        retain(folder.path(), 1);
        EXPECT_EQ(joined(leftovers(folder.path())), "");
    }
}

// In containers processes often have the number of the one before.
TEST(DiskError, WhatANamesakeLeftIsNotClearedAwayUnsynced) {
    for (const std::uint64_t fail_at : {0, 1}) {
        const MemoryFolder folder;
        shim::Plan plan = plan_for(folder.path());
        plan.fail_at = fail_at;
        plan.fail_errno = EIO;
        plan.fail_kinds = bit(shim::Kind::kSync);
        const Ending ending = in_child(plan, [&] {
            fs::create_directory(folder.path() / temporary_name(2, ::getpid()));
            save_number(folder.path(), 2, 2);
        });
        EXPECT_EQ(ending.finished, fail_at == 0) << ending.error << ending.trouble;
        const std::vector<std::string> left = leftovers(folder.path());
        ASSERT_EQ(left.size(), fail_at) << joined(left);
        if (!left.empty()) {
            EXPECT_TRUE(left.front().starts_with(".trash-step-00000002-")) << left.front();
        }
    }
}

/// A disk of 4 MiB in the memory of this machine.
class SmallDisk {
  public:
    SmallDisk() : mounted_(::mount("tmpfs", path().c_str(), "tmpfs", 0, "size=4m") == 0) {}
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() {
        if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
    }
    bool mounted() const { return mounted_; }
    const fs::path& path() const { return folder_.path(); }

  private:
    MemoryFolder folder_;
    bool mounted_;
};

TEST(DiskError, RealDiskFilledPageByPageGivesAnErrorOrACheckpoint) {
    const SmallDisk disk;
    if (!disk.mounted()) {
        print_figure("C3", "the real 4 MiB disk was skipped: mounting it needs root");
        GTEST_SKIP() << "mounting a small tmpfs needs root";
    }
    const fs::path checkpoints = disk.path() / "checkpoints";
    const fs::path filler = disk.path() / "filler";
    save_number(checkpoints, 1, 1);
    int saved = 0;
    int refused = 0;
    for (int pages = 1024; pages > 960; --pages) {
        std::ofstream(filler) << std::string(static_cast<std::size_t>(pages) * 4096, 'x');
        try {
            save_number(checkpoints, 2, 2);
            ++saved;
        } catch (const Error&) {
            ++refused;
        }
        EXPECT_EQ(newest_number(checkpoints), saved > 0 ? 2 : 1) << pages;
        EXPECT_EQ(joined(leftovers(checkpoints)), "") << pages;
    }
    EXPECT_GT(saved, 0);
    EXPECT_GT(refused, 0);
    fs::remove(filler);
    save_number(checkpoints, kNext, kNext);
    EXPECT_EQ(newest_number(checkpoints), kNext);
    print_figure("C3", grouped(static_cast<std::uint64_t>(saved + refused)) +
                           " fillings of a real 4 MiB disk, " +
                           grouped(static_cast<std::uint64_t>(refused)) +
                           " refused, 0 losses or leftovers");
}

}  // namespace
}  // namespace r1::crash
