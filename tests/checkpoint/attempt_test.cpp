// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/attempt.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint/process.h"
#include "common/host.h"
#include "common/time.h"
#include "tests/checkpoint/damage.h"

namespace r1 {
namespace {

class Records : public ::testing::Test {
  protected:
    // An attempt launched by this process, which lives.
    AttemptRecord start() {
        AttemptRecord record = describe_launcher(::getpid());
        record.number = run_.begin_attempt();
        record.launcher = "mpirun";
        record.ranks = 2;
        record.threads_per_rank = 3;
        record.gpus = 4;
        record.start_ms = 1000;
        write_attempt(run_, record);
        return record;
    }
    void end(AttemptRecord record, int code) {
        record.end_ms = 2000;
        record.exit_code = code;
        write_attempt(run_, record);
    }
    TemporaryFolder folder_;
    RunDirectory run_ = create_run(folder_.path(), "a", "x");
};

TEST_F(Records, AttemptReadsBackAsWritten) {
    AttemptRecord record = start();
    record.end_ms = 5000;
    record.exit_code = 137;
    record.account = "lab";
    write_attempt(run_, record);
    const auto read = read_attempt(run_, record.number);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->number, 1);
    EXPECT_EQ(read->launcher, "mpirun");
    EXPECT_EQ(read->user, user_name());
    EXPECT_EQ(read->account, "lab");
    EXPECT_EQ(read->host, record.host);
    EXPECT_EQ(read->launcher_pid, ::getpid());
    EXPECT_EQ(read->launcher_start_ticks, record.launcher_start_ticks);
    EXPECT_EQ(read->boot_id, record.boot_id);
    EXPECT_EQ(read->ranks, 2);
    EXPECT_EQ(read->threads_per_rank, 3);
    EXPECT_EQ(read->gpus, 4);
    EXPECT_EQ(read->start_ms, 1000);
    EXPECT_EQ(read->end_ms, 5000);
    EXPECT_EQ(read->exit_code, 137);
}

TEST_F(Records, AbsentRecordsAreNoError) {
    EXPECT_FALSE(read_attempt(run_, 1));
    EXPECT_FALSE(read_outcome(run_, 1));
    EXPECT_TRUE(read_ranks(run_, 1).empty());
    EXPECT_TRUE(read_rank_errors(run_, 1).empty());
}

TEST_F(Records, RanksAndOutcomeReadBackAsWritten) {
    start();
    write_ranks(run_, 1, {{0, "n1", 11, "cpu avx2, 1 thread"}, {1, "n2", 12, "cuda \xff"}});
    const std::vector<RankPlace> ranks = read_ranks(run_, 1);
    ASSERT_EQ(ranks.size(), 2u);
    EXPECT_EQ(ranks[0].device, "cpu avx2, 1 thread");
    EXPECT_EQ(ranks[1].host, "n2");
    EXPECT_EQ(ranks[1].pid, 12);
    write_outcome(run_, 1, {Outcome::kStopped, 40, 777});
    const auto outcome = read_outcome(run_, 1);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->outcome, Outcome::kStopped);
    EXPECT_EQ(outcome->step, 40);
    EXPECT_EQ(outcome->end_ms, 777);
}

TEST_F(Records, RanksSayWhenTheyWereUpAndFromWhere) {
    start();
    EXPECT_FALSE(read_ranks_beginning(run_, 1));
    note_from_step(run_, 1, 40);
    EXPECT_TRUE(read_ranks(run_, 1).empty());
    const std::int64_t before = utc_milliseconds();
    write_ranks(run_, 1, {{0, "n1", 11, "cpu"}});
    EXPECT_GE(read_ranks_beginning(run_, 1).value().up_ms, before);
    EXPECT_FALSE(read_ranks_beginning(run_, 1)->from_step);
    note_from_step(run_, 1, 40);
    EXPECT_EQ(read_ranks_beginning(run_, 1).value().from_step, 40);
    EXPECT_EQ(read_ranks(run_, 1).size(), 1u);
}

TEST_F(Records, OlderRecordsLackUserAndBeginning) {
    start();
    write_bytes(run_.attempt_record(1),
                R"({"schema":1,"number":1,"launcher":"srun","host":"a","launcher_pid":1,)"
                R"("launcher_start_ticks":1,"boot_id":"b","ranks":1,"threads_per_rank":1,)"
                R"("gpus":0,"start_ms":5})");
    write_bytes(run_.attempt_ranks(1), R"({"schema":1,"ranks":[]})");
    EXPECT_EQ(read_attempt(run_, 1).value().user, "");
    EXPECT_EQ(read_attempt(run_, 1)->account, "");
    EXPECT_FALSE(read_ranks_beginning(run_, 1));
}

TEST_F(Records, RankErrorsComeByRankEvenWithBytesThatAreNoText) {
    start();
    write_rank_error(run_, 1, {10, "n2", "late", 4});
    write_rank_error(run_, 1, {2, "n1", "broken \xff\xfe", 5});
    const std::vector<RankError> errors = read_rank_errors(run_, 1);
    ASSERT_EQ(errors.size(), 2u);
    EXPECT_EQ(errors[0].rank, 2);
    EXPECT_EQ(errors[0].exit_code, 5);
    EXPECT_EQ(errors[0].message.substr(0, 7), "broken ");
    EXPECT_EQ(errors[1].host, "n2");
}

TEST_F(Records, WrongTypeInARecordIsAnErrorWithItsPath) {
    start();
    write_bytes(run_.attempt_record(1), R"({"schema": 1, "launcher": 7})");
    const std::string text = error_of([&] { read_attempt(run_, 1); }, ExitCode::kRunFailed);
    EXPECT_NE(text.find("attempt.json"), std::string::npos) << text;
}

using StateOf = Records;

TEST_F(StateOf, NoAttemptIsQueued) {
    EXPECT_EQ(state_of(run_), RunState::kQueued);
}

TEST_F(StateOf, LivingLauncherIsRunning) {
    start();
    EXPECT_EQ(state_of(run_), RunState::kRunning);
}

TEST_F(StateOf, OutcomeHoldsEvenWhileTheLauncherHasNotWrittenItsEnd) {
    start();
    write_outcome(run_, 1, {Outcome::kStopped, 1, 1});
    EXPECT_EQ(state_of(run_), RunState::kStopped);
    write_outcome(run_, 1, {Outcome::kCompleted, 1, 1});
    EXPECT_EQ(state_of(run_), RunState::kCompleted);
}

TEST_F(StateOf, ErrorsCountMoreThanStoppedAndLessThanCompleted) {
    end(start(), 0);
    write_rank_error(run_, 1, {0, "n", "m", 4});
    EXPECT_EQ(state_of(run_), RunState::kFailed);
    write_outcome(run_, 1, {Outcome::kStopped, 1, 1});
    EXPECT_EQ(state_of(run_), RunState::kFailed);
    write_outcome(run_, 1, {Outcome::kCompleted, 1, 1});
    EXPECT_EQ(state_of(run_), RunState::kCompleted);
}

TEST_F(StateOf, EndedWithACodeOfItsOwnIsFailedWithASignalInterrupted) {
    const AttemptRecord record = start();
    end(record, 3);
    EXPECT_EQ(state_of(run_), RunState::kFailed);
    end(record, 137);
    EXPECT_EQ(state_of(run_), RunState::kInterrupted);
    end(record, 0);
    EXPECT_EQ(state_of(run_), RunState::kInterrupted);
}

TEST_F(StateOf, GivenUpByItsEpilogueIsFailedAlsoWhenRanksWereKilled) {
    AttemptRecord record = start();
    record.slurm = SlurmPlace{};
    record.ending = Ending::kRankKilled;
    end(record, 137);
    EXPECT_EQ(state_of(run_), RunState::kFailed);
    record.goes_on = GoesOn::kRequeued;
    write_attempt(run_, record);
    EXPECT_EQ(state_of(run_), RunState::kQueued);
}

TEST_F(StateOf, ReusedPidIsNotTheLauncher) {
    AttemptRecord record = start();
    ++record.launcher_start_ticks;
    write_attempt(run_, record);
    EXPECT_EQ(state_of(run_), RunState::kInterrupted);
}

TEST_F(StateOf, RebootEndsTheRun) {
    AttemptRecord record = start();
    record.boot_id = "another";
    write_attempt(run_, record);
    EXPECT_EQ(state_of(run_), RunState::kInterrupted);
}

TEST_F(StateOf, KilledLauncherIsInterruptedEvenBeforeItIsReaped) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::pause();
        ::_exit(0);
    }
    AttemptRecord record = start();
    record.launcher_pid = pid;
    record.launcher_start_ticks = process_start_ticks(pid).value_or(-1);
    write_attempt(run_, record);
    EXPECT_EQ(state_of(run_), RunState::kRunning);
    ::kill(pid, SIGKILL);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
    EXPECT_EQ(state_of(run_), RunState::kInterrupted);
    ::waitpid(pid, nullptr, 0);
    EXPECT_EQ(state_of(run_), RunState::kInterrupted);
}

TEST_F(StateOf, OtherHostIsUnknownUnlessItEnded) {
    AttemptRecord record = start();
    record.host = "elsewhere.example";
    write_attempt(run_, record);
    EXPECT_EQ(state_of(run_), RunState::kUnknown);
    end(record, 1);
    EXPECT_EQ(state_of(run_), RunState::kFailed);
    write_outcome(run_, 1, {Outcome::kCompleted, 1, 1});
    EXPECT_EQ(state_of(run_), RunState::kCompleted);
}

TEST_F(StateOf, TheNewestAttemptDecides) {
    end(start(), 3);
    start();
    EXPECT_EQ(state_of(run_), RunState::kRunning);
}

TEST_F(StateOf, TornRecordsNeverThrow) {
    run_.begin_attempt();
    EXPECT_EQ(state_of(run_), RunState::kInterrupted);  // killed before its record
    for (const char* torn : {"", "{\"schema\": 1, \"host", "[]", "\xff\xfe", "{\"schema\": 99}",
                             "{\"schema\": 1, \"launcher\": {}}"}) {
        write_bytes(run_.attempt_record(1), torn);
        write_bytes(run_.attempt_outcome(1), torn);
        EXPECT_EQ(state_of(run_), RunState::kInterrupted) << torn;
    }
}

TEST_F(StateOf, TornErrorRecordIsStillAFailure) {
    start();
    write_bytes(run_.attempt_error(1, 3), "{\"sch");
    EXPECT_EQ(state_of(run_), RunState::kFailed);
    const std::vector<RankError> errors = read_rank_errors(run_, 1);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].rank, 3);
    EXPECT_NE(errors[0].message.find("damaged"), std::string::npos);
}

TEST(RunState, EveryStateHasItsOwnName) {
    EXPECT_STREQ(to_string(RunState::kQueued), "queued");
    EXPECT_STREQ(to_string(RunState::kInterrupted), "interrupted");
    EXPECT_STREQ(to_string(RunState::kUnknown), "unknown");
}

TEST(ProcessStartTicks, NoSuchProcessHasNone) {
    EXPECT_TRUE(process_start_ticks(::getpid()));
    EXPECT_FALSE(process_start_ticks(std::int64_t{1} << 40));
    EXPECT_FALSE(process_start_ticks(-1));
}

}  // namespace
}  // namespace r1
