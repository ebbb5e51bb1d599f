// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/hang.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

constexpr double kLimit = 100;

SignOfLife waiting(int rank, std::int64_t collectives, double silent) {
    return {rank, "n", "waiting", true, collectives, silent, "c"};
}
SignOfLife working(int rank, double silent) {
    return {rank, "n", "training", false, 7, silent, "c"};
}

TEST(Suspect, IsTheFirstRankWithoutAnAnswer) {
    EXPECT_EQ(find_suspect({waiting(0, 8, 101), std::nullopt, std::nullopt}, kLimit), 1);
    EXPECT_EQ(find_suspect({std::nullopt, working(1, 500)}, kLimit), 0);
    EXPECT_EQ(find_suspect({working(0, 1), std::nullopt}, kLimit), 1) << "the others do not matter";
}

TEST(Suspect, IsElseTheOneThatDoesNotGoOnWithItsWork) {
    EXPECT_EQ(find_suspect({waiting(0, 8, 300), working(1, 5), working(2, 100)}, kLimit), 2);
}

TEST(Suspect, IsNobodyWhileTheRankThatIsWaitedForWorks) {
    EXPECT_EQ(find_suspect({waiting(0, 8, 300), working(1, 99)}, kLimit), std::nullopt);
}

TEST(Suspect, IsElseTheOneThatIsBehindInCollectives) {
    EXPECT_EQ(find_suspect({waiting(0, 8, 101), waiting(1, 7, 101), waiting(2, 7, 102)}, kLimit),
              1);
    EXPECT_EQ(find_suspect({waiting(0, 8, 101), waiting(1, 8, 101)}, kLimit), 0);
}

TEST(Suspect, IsNobodyWhileOneHasJustComeToTheCollective) {
    EXPECT_EQ(find_suspect({waiting(0, 8, 300), waiting(1, 8, 1)}, kLimit), std::nullopt);
}

TEST(RollCall, AnswersToAnotherCallAndDamagedOnesDoNotCount) {
    const TemporaryFolder folder;
    const RunDirectory run(folder.path());
    ASSERT_EQ(run.begin_attempt(), 1);
    SignOfLife sign{0, "node1", "training", true, 12, 2.5, "call 2"};
    write_sign_of_life(run, 1, sign);
    sign.rank = 1;
    sign.call = "call 1";
    write_sign_of_life(run, 1, sign);
    std::filesystem::create_directory(run.attempt_hang(1, 2));
    const Answers answers = read_answers(run, 1, 4, "call 2");
    ASSERT_EQ(answers.size(), 4u);
    ASSERT_TRUE(answers[0]);
    EXPECT_EQ(answers[0]->node, "node1");
    EXPECT_EQ(answers[0]->collectives, 12);
    EXPECT_EQ(answers[0]->seconds_since_beat, 2.5);
    for (const std::size_t rank : {1u, 2u, 3u}) EXPECT_FALSE(answers[rank]) << rank;
}

TEST(Silence, GrowsUntilTheNextBeat) {
    Silence silence(10);
    silence.look(0, 5);
    silence.look(4, 5);
    silence.look(9, 5);
    EXPECT_EQ(silence.seconds(), 9);
    silence.look(10, 6);
    EXPECT_EQ(silence.seconds(), 0);
}

TEST(Silence, TimeInWhichTheWholeProcessWasStoppedDoesNotCount) {
    Silence silence(10);
    silence.look(0, 5);
    silence.look(5000, 5);
    EXPECT_EQ(silence.seconds(), 10);
}

}  // namespace
}  // namespace r1
