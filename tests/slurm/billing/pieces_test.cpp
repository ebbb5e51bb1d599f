// SPDX-License-Identifier: Apache-2.0
// What the time of attempts went into: kept work, work that was done again, and the rest.
#include "common/time.h"
#include "tests/slurm/billing/billed_run.h"

namespace r1::testing {
namespace {

class Pieces : public BilledRun {
  protected:
    static constexpr std::int64_t at(std::int64_t seconds) { return kStart + seconds * kSecond; }
    /// In order, "overhead 0-5, useful rl 5-25".
    static std::string text(const Charge& charge) {
        static const char* const kNames[] = {"useful", "lost", "overhead", "unknown"};
        std::string text;
        for (const Piece& piece : charge.pieces)
            text += (text.empty() ? "" : ", ") + std::string(kNames[static_cast<int>(piece.work)]) +
                    (piece.stage.empty() ? "" : " " + piece.stage) + " " +
                    std::to_string((piece.start_ms - kStart) / kSecond) + "-" +
                    std::to_string((piece.end_ms - kStart) / kSecond);
        return text;
    }
    void write_ranks_of(int attempt, std::int64_t up_s, std::int64_t from_step) {
        std::ofstream(run_.attempt_ranks(attempt))
            << R"({"schema":1,"up_ms":)" << at(up_s) << R"(,"from_step":)" << from_step
            << R"(,"ranks":[]})";
    }
};

TEST_F(Pieces, OfACompletedRunAreStartUpWorkByStagesAndClosing) {
    write(local(1, at(0), at(60)));
    step(1, 1, at(15), "sft");
    step(1, 2, at(25), "sft");
    step(1, 3, at(40), "rl");  // begins at 30: what is between belongs to sft
    write_outcome(run_, 1, {Outcome::kCompleted, 3, at(50)});
    EXPECT_EQ(text(charges().at(0)),
              "overhead 0-5, useful sft 5-30, useful rl 30-50, overhead rl 50-60");
}

TEST_F(Pieces, WorkThatTheNextAttemptDidAgainIsLost) {
    write(local(1, at(0), at(60)));
    write(local(2, at(100), at(160)));
    step(1, 1, at(15));
    step(1, 2, at(25));  // the lines of steps 3 and 4 are dropped
    step(2, 3, at(120));
    step(2, 4, at(130));
    write_ranks_of(2, 105, 2);
    write_outcome(run_, 2, {Outcome::kCompleted, 4, at(140)});
    const std::vector<Charge> all = charges();
    EXPECT_EQ(text(all.at(0)), "overhead 0-5, useful rl 5-25, lost rl 25-60");
    EXPECT_EQ(text(all.at(1)), "overhead 100-110, useful rl 110-140, overhead rl 140-160");
    const Bill bill = bill_of(all);
    EXPECT_EQ(bill.useful_ms, 6 * (20 + 30) * kSecond);
    EXPECT_EQ(bill.lost_ms, 6 * 35 * kSecond);
    EXPECT_EQ(bill.useful_ms + bill.lost_ms + bill.overhead_ms, bill.core_ms);
}

TEST_F(Pieces, WithoutACheckpointAllIsLostButTheStartUp) {
    write(local(1, at(0), at(60)));
    write_ranks_of(1, 8, 0);
    write(local(2, at(100), at(160)));
    step(2, 1, at(120), "sft");
    write_ranks_of(2, 105, 0);
    EXPECT_EQ(text(charges().at(0)), "overhead 0-8, lost sft 8-60");
}

TEST_F(Pieces, RanksThatNeverCameUpAreOverhead) {
    write(local(1, at(0), at(60)));
    EXPECT_EQ(text(charges().at(0)), "overhead 0-60");
}

TEST_F(Pieces, AnAttemptThatGoesBackFurtherLosesTheWorkOfAllBetween) {
    write(local(1, at(0), at(60)));
    write(local(2, at(100), at(160)));
    write(local(3, at(200), at(260)));
    step(1, 1, at(20));
    write_ranks_of(1, 10, 0);
    write_ranks_of(2, 110, 3);
    write_ranks_of(3, 210, 1);  // the checkpoint of step 3 did not verify
    const std::vector<Charge> all = charges();
    EXPECT_EQ(text(all.at(0)), "overhead 0-10, useful rl 10-20, lost rl 20-60");
    EXPECT_EQ(text(all.at(1)), "overhead 100-110, lost rl 110-160");
}

TEST_F(Pieces, OfTheLastAttemptWhatTheNewestCheckpointHoldsIsKept) {
    AttemptRecord record = under_slurm(1, at(0), at(60));
    record.ending = Ending::kRankKilled;
    record.end_step = 1;
    write(record);
    step(1, 1, at(20));
    step(1, 2, at(30));
    EXPECT_EQ(text(charges().at(0)), "overhead 0-10, useful rl 10-20, lost rl 20-60");
}

TEST_F(Pieces, ThatWereSavedBeforeTheEndAreUsefulToTheEndOfTheRanks) {
    write(under_slurm(1, at(0), at(60)));
    step(1, 1, at(20));
    write_outcome(run_, 1, {Outcome::kStopped, 1, at(50), StopReason::kDeadline});
    EXPECT_EQ(text(charges().at(0)), "overhead 0-10, useful rl 10-50, overhead rl 50-60");
}

TEST_F(Pieces, OfARunningAttemptAreUsefulSoFar) {
    write(under_slurm(1, at(0), std::nullopt));
    step(1, 1, at(20));
    const std::vector<Charge> all = charges_of(run_, at(90), {queued("RUNNING", at(0))});
    EXPECT_EQ(text(all.at(0)), "overhead 0-10, useful rl 10-90");
    EXPECT_TRUE(all.at(0).provisional);
}

TEST_F(Pieces, StayWithinTheChargeWhateverTheClocksSay) {
    write(local(1, at(0), at(60)));
    step(1, 1, at(-500));
    step(1, 2, at(700));
    write_outcome(run_, 1, {Outcome::kCompleted, 2, at(900)});
    EXPECT_EQ(text(charges().at(0)), "useful rl 0-60");
}

TEST_F(Pieces, OfTenThousandStepsAreQuick) {
    write(local(1, at(0), at(200'000)));
    for (int i = 1; i <= 10'000; ++i) step(1, i, at(20 * i), i <= 5000 ? "sft" : "rl");
    write_outcome(run_, 1, {Outcome::kCompleted, 10'000, at(200'000)});
    const double begin = monotonic_seconds();
    EXPECT_EQ(charges().at(0).pieces.size(), 3u);
    EXPECT_LT(monotonic_seconds() - begin, 2);
}

}  // namespace
}  // namespace r1::testing
