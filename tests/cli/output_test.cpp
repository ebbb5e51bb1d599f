// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "cli/history.h"
#include "cli/output/numbers.h"
#include "cli/output/progress.h"
#include "cli/output/table.h"
#include "cli/output/times.h"
#include "cli/runs_folder.h"
#include "tests/common/temporary_folder.h"

namespace r1::cli {
namespace {

StepRecord step(std::int64_t number, const std::string& stage = "rl") {
    StepRecord record;
    record.step = 100 + number;
    record.total_steps = 150;
    record.stage = stage;
    record.stage_step = number;
    record.stage_steps = 50;
    record.seconds = 2;
    record.tokens_per_second = 12345;
    record.reward = 0.4123;
    return record;
}

TEST(Numbers, AreShort) {
    EXPECT_EQ(fixed(0.41251, 3), "0.413");
    EXPECT_EQ(short_count(950), "950");
    EXPECT_EQ(short_count(12345), "12.3k");
    EXPECT_EQ(short_count(4560000), "4.56M");
    EXPECT_EQ(counted(1, "rank"), "1 rank");
    EXPECT_EQ(counted(2, "rank"), "2 ranks");
}

TEST(TableOutput, AlignsCharactersAndEscapesControls) {
    Table table({{"name"}, {"n", Table::Align::kRight}});
    table.add({"größe", "7"});
    table.add({"a\x1b[2J", "1234"});
    std::ostringstream out;
    table.print(out);
    EXPECT_EQ(out.str(), "name         n\ngröße        7\na\\x1B[2J  1234\n");
}

TEST(ProgressOutput, PipedShowsTheFirstStepOfAStageAndNotEveryStep) {
    std::ostringstream err;
    Progress progress(err, false, false);
    progress.step(step(1), "0.01 core-hours");
    progress.step(step(2), "0.01 core-hours");
    progress.step(step(3, "rl2"), "0.02 core-hours");
    progress.finish();
    EXPECT_EQ(err.str(),
              "rl 1/50  step 101/150  reward 0.412  12.3k tok/s  eta 1m38s  0.01 core-hours\n"
              "rl2 3/50  step 103/150  reward 0.412  12.3k tok/s  eta 1m34s  0.02 core-hours\n");
}

TEST(ProgressOutput, TerminalRewritesOneLineAndNotesStay) {
    std::ostringstream err;
    Progress progress(err, true, false);
    progress.step(step(1), "x");
    progress.note("stopping");
    progress.step(step(2), "x");
    progress.finish();
    EXPECT_EQ(err.str(),
              "\r\x1b[Krl 1/50  step 101/150  reward 0.412  12.3k tok/s  eta 1m38s  x"
              "\r\x1b[Kstopping\n"
              "\r\x1b[Krl 2/50  step 102/150  reward 0.412  12.3k tok/s  eta 1m36s  x\n");
}

TEST(ProgressOutput, QuietStillShowsNotes) {
    std::ostringstream err;
    Progress progress(err, true, true);
    progress.step(step(1), "x");
    progress.evaluation({});
    progress.note("stopping");
    EXPECT_EQ(err.str(), "stopping\n");
}

TEST(TableOutput, OptionalColumnWithoutAnythingIsLeftOut) {
    Table table({{"a"}, {"job", Table::Align::kRight, true}, {"b"}});
    table.add({"1", "-", "x"});
    table.add({"2", "", "y"});
    std::ostringstream out;
    table.print(out);
    EXPECT_EQ(out.str(), "a  b\n1  x\n2  y\n");
    table.add({"3", "12", "z"});
    out.str("");
    table.print(out);
    EXPECT_EQ(out.str(), "a  job  b\n1    -  x\n2       y\n3   12  z\n");
}

TEST(Times, AreLocalWithZoneAndDateWhereItIsAnother) {
    ::setenv("TZ", "CET-1", 1);
    ::tzset();
    EXPECT_EQ(local_time(1'700'000'000, 1'700'000'000), "23:13 CET");
    EXPECT_EQ(local_time(1'700'010'000, 1'700'000'000), "Wed 15 Nov 02:00 CET");
    EXPECT_EQ(expected_time(1'700'007'800, 1'700'000'000), "Wed 15 Nov 01:23 CET (in 2h10m)");
    EXPECT_EQ(expected_time(1'699'999'999, 1'700'000'000), "23:13 CET (now due)");
    ::unsetenv("TZ");
    ::tzset();
}

TEST(FoldedNodes, AreWrittenAsSlurmWritesThem) {
    EXPECT_EQ(folded_nodes({}), "");
    EXPECT_EQ(folded_nodes({"node1"}), "node1");
    EXPECT_EQ(folded_nodes({"node1", "node2", "node4"}), "node[1-2,4]");
    EXPECT_EQ(folded_nodes({"node9", "node10"}), "node[9-10]");
    EXPECT_EQ(folded_nodes({"n009", "n010", "login", "gpu1"}), "n[009-010],login,gpu1");
}

TEST(LastLines, AreCompleteAndAtMostSoMany) {
    const TemporaryFolder folder;
    const auto file = folder / "lines";
    EXPECT_TRUE(last_lines(file, 3).empty());
    EXPECT_EQ(end_of_lines(file), 0U);
    std::ofstream(file) << "one\ntwo\nthree\ntorn";
    EXPECT_EQ(last_lines(file, 2), (std::vector<std::string>{"two", "three"}));
    EXPECT_EQ(last_lines(file, 9), (std::vector<std::string>{"one", "two", "three"}));
    EXPECT_EQ(end_of_lines(file), 14U);
    std::ofstream(file) << "no line";
    EXPECT_TRUE(last_lines(file, 2).empty());
    EXPECT_EQ(end_of_lines(file), 0U);
    // Lines longer than a block.
    std::ofstream(file) << std::string(20'000, 'a') << '\n' << std::string(9'000, 'b') << '\n';
    EXPECT_EQ(last_lines(file, 1), std::vector<std::string>{std::string(9'000, 'b')});
    EXPECT_EQ(last_lines(file, 2).size(), 2U);
}

TEST(NextCommand, QuotesAPathOutsideTheDefaultFolder) {
    EXPECT_EQ(next_command("resume", RunDirectory("/a b/it's")), "r1ctl resume '/a b/it'\\''s'");
    EXPECT_EQ(next_command("resume", RunDirectory(default_runs_folder() / "x-1")),
              "r1ctl resume x-1");
}

}  // namespace
}  // namespace r1::cli
