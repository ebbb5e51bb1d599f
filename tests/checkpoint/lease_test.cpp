// SPDX-License-Identifier: Apache-2.0
// One writer a run, whoever else wants it: every other taker is a real process.
#include "checkpoint/lease.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <vector>

#include "checkpoint/lease_record.h"
#include "checkpoint/process.h"
#include "common/host.h"
#include "common/time.h"
#include "tests/checkpoint/damage.h"

namespace r1 {
namespace {

constexpr LeaseTiming kTiming{0.05, 0.6};
// Whoever is done well before this watch ends has not watched.
constexpr LeaseTiming kPatient{0.05, 20};
constexpr double kAtOnce = 10;

LeaseHolder this_process(int attempt, std::int64_t job = 0, std::int64_t restarts = 0) {
    return {attempt,   host_name(), ::getpid(), process_start_ticks(::getpid()).value_or(0),
            boot_id(), job,         restarts};
}

/// A process that does something and then says with what number it ended.
class Child {
  public:
    explicit Child(const std::function<int()>& body) : pid_(::fork()) {
        if (pid_ == 0) ::_exit(body());
    }
    Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    ~Child() {
        if (pid_ > 0) kill();
    }
    pid_t pid() const { return pid_; }
    void signal(int number) const { ::kill(pid_, number); }
    void kill() {
        signal(SIGKILL);
        wait();
    }
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

  private:
    pid_t pid_;
};

class LeaseTest : public ::testing::Test {
  protected:
    std::string refusal(const LeaseHolder& self) {
        return error_of([&] { Lease(run_, self, kPatient); }, ExitCode::kRunFailed);
    }
    // A process that has the run until it is killed.
    Child holder(std::int64_t job = 0) {
        Child child([&] {
            const Lease lease(run_, this_process(3, job), kTiming);
            ::pause();
            return 0;
        });
        while (!read_lease(run_) || read_lease(run_)->holder.pid != child.pid()) ::usleep(1000);
        return child;
    }
    LeaseRecord foreign() {
        LeaseHolder holder = this_process(2);
        holder.host = "elsewhere.example";
        holder.boot_id = "another boot";
        return {holder, "pid:[1]", lease_token()};
    }
    /// Writes as a holder on another host does, until the thread is told to stop.
    std::jthread beating_elsewhere() {
        LeaseRecord record = foreign();
        write_lease(run_, record);
        return std::jthread([this, record](std::stop_token stop) mutable {
            while (!stop.stop_requested()) {
                ::usleep(50000);
                ++record.beat;
                write_lease(run_, record);
            }
        });
    }
    double seconds_to_take(const LeaseHolder& self, const LeaseTiming& timing = kTiming) {
        const double begin = monotonic_seconds();
        Lease lease(run_, self, timing);
        EXPECT_TRUE(lease.held());
        return monotonic_seconds() - begin;
    }
    TemporaryFolder folder_;
    RunDirectory run_ = create_run(folder_.path(), "a", "x");
};

TEST_F(LeaseTest, SecondTakerIsRefusedWithTheHolderNamed) {
    const Child child = holder(77);
    const std::string expected =
        "attempt 3 on " + host_name() + ", pid " + std::to_string(child.pid()) + " (job 77)";
    const std::string text = refusal(this_process(4));
    EXPECT_NE(text.find(expected), std::string::npos) << text;
    EXPECT_NE(text.find("`r1ctl cancel a`"), std::string::npos) << text;
    EXPECT_EQ(lease_holder(run_)->pid, child.pid());
}

TEST_F(LeaseTest, AnotherOfTheSameProcessIsRefusedToo) {
    const Lease lease(run_, this_process(1), kTiming);
    EXPECT_NE(refusal(this_process(1)), "");
}

TEST_F(LeaseTest, ReleasedWhenDestroyedAndOnlyThen) {
    {
        Lease lease(run_, this_process(1), kTiming);
        EXPECT_TRUE(lease.held());
        EXPECT_EQ(lease_holder(run_)->attempt, 1);
    }
    EXPECT_FALSE(lease_holder(run_));
    EXPECT_FALSE(std::filesystem::exists(run_.writer()));
    EXPECT_LT(seconds_to_take(this_process(2), kPatient), kAtOnce);
}

TEST_F(LeaseTest, DeadHolderOnThisHostGivesWayAtOnce) {
    Child child = holder();
    child.signal(SIGKILL);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT);  // not reaped yet
    EXPECT_FALSE(lease_holder(run_));
    EXPECT_LT(seconds_to_take(this_process(4), kPatient), kAtOnce);
}

TEST_F(LeaseTest, ReusedProcessNumberIsNotTheHolder) {
    LeaseRecord record{this_process(2), process_namespace(), lease_token()};
    ++record.holder.start_ticks;
    write_lease(run_, record);
    EXPECT_LT(seconds_to_take(this_process(4), kPatient), kAtOnce);
}

TEST_F(LeaseTest, StoppedHolderThatLivesKeepsTheRun) {
    const Child child = holder();
    child.signal(SIGSTOP);
    ::usleep(static_cast<useconds_t>(2e6 * kTiming.watch_seconds));
    EXPECT_NE(refusal(this_process(4)), "");
}

TEST_F(LeaseTest, ForeignHolderWhoseBeatMovesIsRefused) {
    const std::jthread beating = beating_elsewhere();
    const std::string text = refusal(this_process(4));
    EXPECT_NE(text.find("attempt 2 on elsewhere.example"), std::string::npos) << text;
}

TEST_F(LeaseTest, ForeignHolderWhoseBeatStandsStillGivesWayAfterTheWatch) {
    write_lease(run_, foreign());
    EXPECT_EQ(lease_holder(run_)->host, "elsewhere.example");
    EXPECT_GE(seconds_to_take(this_process(4)), kTiming.watch_seconds);
}

TEST_F(LeaseTest, WhetherAHolderElsewhereLivesIsSeenByItsBeat) {
    EXPECT_FALSE(living_holder(run_, kTiming)) << "nobody has it";
    {
        const std::jthread beating = beating_elsewhere();
        const auto living = living_holder(run_, kPatient);
        ASSERT_TRUE(living);
        EXPECT_EQ(living->host, "elsewhere.example");
    }
    EXPECT_FALSE(living_holder(run_, kTiming)) << "it has stood still";
    remove_lease(run_);
    Child one = holder();
    ASSERT_TRUE(living_holder(run_, kPatient));
    one.kill();
    EXPECT_FALSE(living_holder(run_, kPatient));
}

TEST_F(LeaseTest, ProcessNumbersOfAnotherContainerOrBootProveNoDeath) {
    LeaseRecord record{this_process(2), "pid:[1]", lease_token()};
    record.holder.pid = std::int64_t{1} << 40;
    write_lease(run_, record);
    EXPECT_GE(seconds_to_take(this_process(4)), kTiming.watch_seconds);
    record.process_namespace = process_namespace();
    record.holder.boot_id = "another boot";
    write_lease(run_, record);
    EXPECT_GE(seconds_to_take(this_process(4)), kTiming.watch_seconds);
}

TEST_F(LeaseTest, LaterStartOfTheSameJobTakesOverAtOnce) {
    Child earlier([&] {
        Lease lease(run_, this_process(1, 77, 0), kTiming);
        while (lease.held()) ::usleep(1000);
        return 3;
    });
    while (!read_lease(run_)) ::usleep(1000);
    EXPECT_NE(refusal(this_process(2, 77, 0)), "");
    EXPECT_NE(refusal(this_process(2, 78, 1)), "");
    const double begin = monotonic_seconds();
    Lease lease(run_, this_process(2, 77, 1), kPatient);
    EXPECT_LT(monotonic_seconds() - begin, kAtOnce);
    EXPECT_EQ(earlier.wait(), 3);
    EXPECT_TRUE(lease.held());  // the earlier one has not removed what is not its own
    while (read_lease(run_)->beat < 2) ::usleep(1000);  // it is renewed
}

TEST_F(LeaseTest, RecordThatIsRemovedByHandIsLostForGood) {
    Lease lease(run_, this_process(1), kTiming);
    remove_lease(run_);
    EXPECT_FALSE(lease.held());
    const Lease other(run_, this_process(2), kTiming);
    EXPECT_FALSE(lease.held());
    EXPECT_EQ(lease_holder(run_)->attempt, 2);
}

TEST_F(LeaseTest, RecordThatCannotBeReadIsNeverTakenOver) {
    for (const char* text : {"", "{\"schema\": 99}", "{\"schema\": 1, \"host\": 7}"}) {
        write_bytes(run_.writer(), text);
        const std::string problem = refusal(this_process(1));
        EXPECT_NE(problem.find("remove that file once nothing runs"), std::string::npos) << problem;
    }
}

TEST_F(LeaseTest, LockThatIsNeverReleasedIsNamed) {
    const Child child([&] {
        const FileDescriptor fd = open_file(run_.writer_lock(), O_RDWR | O_CREAT);
        if (::flock(fd.get(), LOCK_EX) == 0) ::pause();
        return 0;
    });
    while (LeaseLock(run_, 0).may_write()) ::usleep(1000);
    const std::string text =
        error_of([&] { Lease(run_, this_process(1), kTiming); }, ExitCode::kRunFailed);
    EXPECT_NE(text.find(run_.writer_lock().string()), std::string::npos) << text;
}

// Starts 30 takers at once; returns how many got the run.
int winners_of_thirty(const RunDirectory& run) {
    int start[2];
    int done[2];
    if (::pipe2(start, O_CLOEXEC) != 0 || ::pipe2(done, O_CLOEXEC) != 0) return -1;
    std::vector<Child> takers;
    for (int i = 0; i < 30; ++i)
        takers.emplace_back([&run, &start, &done, i] {
            ::close(start[1]);
            char none = 0;
            [[maybe_unused]] const ssize_t go = ::read(start[0], &none, 1);
            char result = 0;
            std::unique_ptr<Lease> lease;
            try {
                lease = std::make_unique<Lease>(run, this_process(i), kTiming);
                result = 1;
            } catch (const Error&) {
            }
            if (::write(done[1], &result, 1) != 1) return 1;
            ::pause();
            return 0;
        });
    ::close(start[1]);
    int winners = 0;
    for (int i = 0; i < 30; ++i) {
        char result = 0;
        if (::read(done[0], &result, 1) != 1) return -1;
        winners += result;
    }
    for (const int fd : {start[0], done[0], done[1]}) ::close(fd);
    return winners;
}

TEST_F(LeaseTest, OfThirtyAtOnceExactlyOneWins) {
    for (int round = 0; round < 5; ++round) {
        std::filesystem::remove(run_.writer());
        EXPECT_EQ(winners_of_thirty(run_), 1) << "no record, round " << round;
        EXPECT_EQ(winners_of_thirty(run_), 1) << "of a dead holder, round " << round;
    }
    write_lease(run_, foreign());
    EXPECT_EQ(winners_of_thirty(run_), 1) << "of a silent holder elsewhere";
}

}  // namespace
}  // namespace r1
