// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/run_directory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "common/file.h"
#include "tests/checkpoint/damage.h"

namespace r1 {
namespace {

constexpr auto kUsage = ExitCode::kUsage;

TEST(RunId, HoldsNameUtcTimeAndSuffixAndDiffersEachTime) {
    std::set<std::string> ids;
    for (int i = 0; i < 100; ++i) ids.insert(make_run_id("r1_tiny"));
    EXPECT_EQ(ids.size(), 100u);
    EXPECT_EQ(ids.begin()->size(), std::string("r1_tiny-20261121-202601-x7k2qf").size());
    EXPECT_EQ(ids.begin()->substr(0, 10), "r1_tiny-20");
}

TEST(RunId, NeverLeavesTheRunsFolder) {
    const std::string id = make_run_id("../a b/c");
    EXPECT_EQ(id.find('/'), std::string::npos);
    EXPECT_NE(id.front(), '.');
}

TEST(CreateRun, FreezesTheRecipeAndRefusesATakenId) {
    const TemporaryFolder folder;
    const RunDirectory run = create_run(folder.path() / "runs", "a-1", "name: a\n");
    EXPECT_EQ(read_file(run.recipe()), "name: a\n");
    EXPECT_NE(
        error_of([&] { create_run(folder.path() / "runs", "a-1", "x"); }, ExitCode::kRunFailed)
            .find("a-1"),
        std::string::npos);
    EXPECT_EQ(read_file(run.recipe()), "name: a\n");
}

class FindRun : public ::testing::Test {
  protected:
    void SetUp() override {
        for (const char* id : {"math-20261121-202601-aaaaaa", "math-20261121-202601-bbbbbb",
                               "code-20261122-000000-cccccc"})
            create_run(folder_.path(), id, "name: x\n");
    }
    std::string find(const std::string& name) const {
        return find_run(folder_.path(), name).run_id();
    }
    TemporaryFolder folder_;
};

TEST_F(FindRun, WholeIdAndUniquePrefixFindIt) {
    EXPECT_EQ(find("math-20261121-202601-bbbbbb"), "math-20261121-202601-bbbbbb");
    EXPECT_EQ(find("math-20261121-202601-a"), "math-20261121-202601-aaaaaa");
    EXPECT_EQ(find("c"), "code-20261122-000000-cccccc");
}

TEST_F(FindRun, WholeIdWinsOverBeingAPrefixOfAnother) {
    create_run(folder_.path(), "code-20261122-000000-cccccc-again", "name: x\n");
    EXPECT_EQ(find("code-20261122-000000-cccccc"), "code-20261122-000000-cccccc");
}

TEST_F(FindRun, PathFindsItWithAndWithoutATrailingSlash) {
    const std::string path = (folder_.path() / "code-20261122-000000-cccccc").string();
    EXPECT_EQ(find_run("/nowhere", path).run_id(), "code-20261122-000000-cccccc");
    EXPECT_EQ(find_run("/nowhere", path + "/").run_id(), "code-20261122-000000-cccccc");
}

TEST_F(FindRun, AmbiguousPrefixNamesTheMatches) {
    const std::string text = error_of([&] { find("math"); }, kUsage);
    EXPECT_NE(text.find("beginning of 2 runs"), std::string::npos) << text;
    EXPECT_NE(text.find("math-20261121-202601-aaaaaa"), std::string::npos) << text;
    EXPECT_NE(text.find("`r1ctl status`"), std::string::npos) << text;
}

TEST_F(FindRun, UnknownNameNamesTheNearest) {
    const std::string text = error_of([&] { find("cod-2026"); }, kUsage);
    EXPECT_NE(text.find("no run 'cod-2026'"), std::string::npos) << text;
    EXPECT_NE(text.find("near: 'code-20261122-000000-cccccc'"), std::string::npos) << text;
    EXPECT_NE(text.find("`r1ctl status`"), std::string::npos) << text;
}

TEST_F(FindRun, EmptyNameAndFoldersWithoutARecipeAreRefused) {
    std::filesystem::create_directory(folder_.path() / "zzz");
    EXPECT_FALSE(error_of([&] { find(""); }, kUsage).empty());
    EXPECT_FALSE(error_of([&] { find("zzz"); }, kUsage).empty());
    EXPECT_FALSE(error_of([&] { find(".."); }, kUsage).empty());
}

TEST(ListRuns, NewestFirstByTheTimeInTheId) {
    const TemporaryFolder folder;
    for (const char* id : {"z-20250101-000000-aaaaaa", "a-20261121-202601-aaaaaa", "named-by-hand",
                           "m-20261121-202602-aaaaaa"})
        create_run(folder.path(), id, "name: x\n");
    std::filesystem::create_directory(folder.path() / "no-run");
    std::vector<std::string> ids;
    for (const RunDirectory& run : list_runs(folder.path())) ids.push_back(run.run_id());
    EXPECT_EQ(ids, (std::vector<std::string>{"m-20261121-202602-aaaaaa", "a-20261121-202601-aaaaaa",
                                             "z-20250101-000000-aaaaaa", "named-by-hand"}));
}

TEST(ListRuns, MissingFolderHasNone) {
    EXPECT_TRUE(list_runs("/nowhere/at/all").empty());
}

TEST(BeginAttempt, CountsFromOneAndIgnoresForeignNames) {
    const TemporaryFolder folder;
    const RunDirectory run = create_run(folder.path(), "a", "x");
    EXPECT_EQ(run.newest_attempt(), 0);
    for (const char* name : {"007", "9x", "-3", "99999999999999999999"})
        std::filesystem::create_directories(run.attempts() / name);
    EXPECT_EQ(run.newest_attempt(), 0);
    EXPECT_EQ(run.begin_attempt(), 1);
    EXPECT_EQ(run.begin_attempt(), 2);
    EXPECT_EQ(run.newest_attempt(), 2);
}

TEST(BeginAttempt, TwoProcessesNeverGetTheSameNumber) {
    const TemporaryFolder folder;
    const RunDirectory run = create_run(folder.path(), "a", "x");
    constexpr int kRounds = 50;
    int results[2];
    ASSERT_EQ(::pipe(results), 0);
    std::vector<pid_t> children;
    for (int child = 0; child < 2; ++child) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            for (int i = 0; i < kRounds; ++i) {
                int number = 0;
                try {
                    number = run.begin_attempt();
                } catch (const Error&) {
                }
                if (::write(results[1], &number, sizeof number) != sizeof number) ::_exit(1);
            }
            ::_exit(0);
        }
        children.push_back(pid);
    }
    std::set<int> numbers;
    for (int i = 0; i < 2 * kRounds; ++i) {
        int number = 0;
        ASSERT_EQ(::read(results[0], &number, sizeof number), ssize_t{sizeof number});
        EXPECT_TRUE(number == 0 || numbers.insert(number).second) << number;
    }
    EXPECT_GE(numbers.size(), std::size_t{kRounds});
    EXPECT_EQ(run.newest_attempt(), static_cast<int>(numbers.size()));
    for (const pid_t pid : children) ::waitpid(pid, nullptr, 0);
    ::close(results[0]);
    ::close(results[1]);
}

}  // namespace
}  // namespace r1
