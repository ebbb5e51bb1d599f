// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/index.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "slurm/billing/index_files.h"
#include "slurm/billing/index_store.h"
#include "tests/slurm/billing/index_fixture.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;
using test::IndexedRuns;
using test::text_of;
using Names = std::vector<std::string>;

class Index : public testing::Test, protected IndexedRuns {
  protected:
    Index() {
        test::RandomCharges random(1);
        for (const char* id : {"c", "b", "a"}) add(id, random.of_run(id, 20));
        expected_ = text_of(ask());
        taken();
    }
    std::string answer() { return text_of(ask()); }

    std::string expected_;
};

TEST_F(Index, SettledRunsAreReadOnce) {
    EXPECT_EQ(answer(), expected_);
    EXPECT_EQ(taken(), Names{});
    EXPECT_TRUE(log.empty()) << log.front();
}

TEST_F(Index, RowsAreInTheOrderOfTheQuestionWhereverTheyAreFrom) {
    touch(runs[1]);
    const CostAnswer found = ask();
    EXPECT_EQ(found.rows.at(0).key + found.rows.at(1).key + found.rows.at(2).key, "cba");
    EXPECT_EQ(found.rows.at(1).state, "completed");
}

TEST_F(Index, OnlyARunThatWasWrittenIsReadAgain) {
    touch(runs[1]);
    charges["b"].pop_back();
    EXPECT_NE(answer(), expected_);
    EXPECT_EQ(taken(), Names{"b"});
    answer();
    EXPECT_EQ(taken(), Names{});
}

TEST_F(Index, EachRecordOfARunMakesItStale) {
    const RunDirectory& run = runs[0];
    fs::create_directories(run.attempt(1));
    ask();
    ask();
    taken();
    const auto written = [&](const fs::path& path) {
        std::ofstream(path, std::ios::app) << "{}";
        ask();
        return taken() == Names{"c"};
    };
    EXPECT_TRUE(written(run.recipe()));
    EXPECT_TRUE(written(run.summary()));
    EXPECT_TRUE(written(run.accounting()));
    EXPECT_TRUE(written(run.metrics()));
    EXPECT_TRUE(written(run.evaluations()));
    EXPECT_TRUE(written(run.attempt_outcome(1)));
    fs::create_directories(run.jobs());
    EXPECT_TRUE(written(run.job_record(1)));
    fs::create_directories(run.attempt(2));
    EXPECT_TRUE(written(run.attempt_record(2)));
    // A checkpoint that is kept makes work useful, and one that is pruned makes it less.
    fs::create_directories(run.checkpoints());
    EXPECT_TRUE(written(run.checkpoints() / "step-00000100"));
}

TEST_F(Index, OpenRunsAreReadEachTime) {
    touch(runs[2]);
    open = {"a"};
    ask();
    taken();
    EXPECT_EQ(answer(), expected_);
    EXPECT_EQ(taken(), Names{"a"});
}

TEST_F(Index, ARunThatHasJustBeenWrittenIsNotStoredYet) {
    settings.settle_ms = 3'600'000;
    touch(runs[0]);
    ask();
    taken();
    ask();
    EXPECT_EQ(taken(), Names{"c"});
}

TEST_F(Index, DeletingItLosesNothing) {
    fs::remove_all(*settings.folder);
    EXPECT_EQ(answer(), expected_);
    EXPECT_EQ(taken(), (Names{"c", "b", "a"}));
    EXPECT_TRUE(log.empty());
}

TEST_F(Index, AFlippedByteAnywhereChangesNoAnswer) {
    const std::string whole = read_file(database());
    for (std::size_t i = 0; i < 200; ++i) {
        std::string damaged = whole;
        const std::size_t place = i < 20 ? i * 5 : i * (whole.size() - 1) / 199;
        damaged[place] = static_cast<char>(damaged[place] ^ (1 << (i % 8)));
        std::ofstream(database(), std::ios::binary) << damaged;
        log.clear();
        ASSERT_EQ(answer(), expected_) << "byte " << place;
        ASSERT_EQ(log,
                  Names{"the index '" + database().string() + "' is made anew: it is damaged"});
        ASSERT_EQ(taken().size(), 3u);
    }
    answer();
    EXPECT_EQ(taken(), Names{});
}

TEST_F(Index, ATruncatedOneOrADamagedSealIsMadeAnew) {
    for (const std::uintmax_t size : {0, 100, 4096, 5000}) {
        fs::resize_file(database(), size);
        EXPECT_EQ(answer(), expected_) << size;
        EXPECT_EQ(taken().size(), 3u);
    }
    for (const char* text : {"", "xxh3-128 0 0\n", "nonsense"}) {
        std::ofstream(seal()) << text;
        EXPECT_EQ(answer(), expected_);
        EXPECT_EQ(taken().size(), 3u);
    }
    fs::remove(seal());
    EXPECT_EQ(answer(), expected_);
    fs::remove(database());
    EXPECT_EQ(answer(), expected_);
    taken();
    answer();
    EXPECT_EQ(taken(), Names{});
}

TEST_F(Index, AnotherVersionIsMadeAnewThoughItsSealIsRight) {
    sqlite3* database_handle = nullptr;
    ASSERT_EQ(sqlite3_open(database().c_str(), &database_handle), SQLITE_OK);
    sqlite3_exec(database_handle, "PRAGMA user_version = 99", nullptr, nullptr, nullptr);
    sqlite3_close(database_handle);
    IndexFiles(*settings.folder).write_seal();
    EXPECT_EQ(answer(), expected_);
    EXPECT_EQ(log, Names{"the index '" + database().string() +
                         "' is made anew: it is of another version of r1ctl"});
    taken();
    answer();
    EXPECT_EQ(taken(), Names{});
}

TEST_F(Index, RunsThatAreGoneAreForgotten) {
    fs::remove_all(runs[1].root());
    runs.erase(runs.begin() + 1);
    touch(runs[0]);
    EXPECT_EQ(ask().rows.size(), 2u);
    Vocabulary words;
    const IndexReader reader(database(), words);
    EXPECT_EQ(reader.runs().size(), 2u);
}

TEST_F(Index, ADiscardedOneIsReadAnew) {
    CostIndex(settings, [](const std::string&) {}).discard();
    EXPECT_FALSE(fs::exists(database()));
    EXPECT_EQ(answer(), expected_);
    EXPECT_EQ(taken().size(), 3u);
}

TEST_F(Index, WorksWithoutOneWhereTheFolderCannotBeMade) {
    std::ofstream(folder() / "file") << "x";
    settings.folder = folder() / "file" / "state";
    EXPECT_EQ(answer(), expected_);
    ASSERT_EQ(log.size(), 1u);
    EXPECT_TRUE(log[0].starts_with("works without an index: cannot make '")) << log[0];
}

TEST_F(Index, WorksWithoutOneInAFolderThatCannotBeWritten) {
    fs::remove(*settings.folder / "index.lock");
    fs::permissions(folder(), fs::perms(0755));
    fs::permissions(*settings.folder, fs::perms(0555));
    const pid_t child = ::fork();
    if (child == 0) {
        // Root may write everywhere.
        if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
        const bool right = answer() == expected_ && log.size() == 1 &&
                           log[0].starts_with("works without an index: cannot open '");
        ::_exit(right ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    fs::permissions(*settings.folder, fs::perms(0755));
    EXPECT_EQ(status, 0);
}

TEST_F(Index, WorksWithoutOneWhileAnotherProcessHoldsTheLock) {
    const FileDescriptor held = open_file(*settings.folder / "index.lock", O_RDWR);
    ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
    EXPECT_EQ(answer(), expected_);
    ASSERT_EQ(log.size(), 1u);
    EXPECT_TRUE(log[0].starts_with("works without an index: another process holds '")) << log[0];
    EXPECT_EQ(taken().size(), 3u);
}

TEST_F(Index, WithoutAFolderEverythingIsRead) {
    settings.folder.reset();
    EXPECT_EQ(answer(), expected_);
    EXPECT_EQ(taken().size(), 3u);
    EXPECT_TRUE(log.empty());
}

TEST_F(Index, ManyProcessesAtOnceGiveTheSameAnswer) {
    settings.lock_wait_s = 20;
    std::vector<pid_t> children;
    for (int i = 0; i < 6; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            bool right = true;
            for (int round = 0; round < 8; ++round) {
                // Some damage it, some make runs stale, all ask.
                if (i == 0) ::truncate(database().c_str(), 100 * round);
                if (i == 1) touch(runs[round % 3]);
                right = right && answer() == expected_;
            }
            ::_exit(right ? 0 : 1);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(answer(), expected_);
}

}  // namespace
}  // namespace r1
