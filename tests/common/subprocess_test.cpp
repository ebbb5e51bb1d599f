// SPDX-License-Identifier: Apache-2.0
#include "common/subprocess.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "common/error.h"
#include "common/file.h"
#include "common/time.h"
#include "tests/common/message_of.h"
#include "tests/common/temporary_folder.h"

namespace r1 {

namespace {

Command shell(const std::string& script) {
    return {.arguments = {"sh", "-c", script}};
}

bool becomes_true(const std::function<bool()>& condition) {
    const double give_up = monotonic_seconds() + 10.0;
    while (!condition() && monotonic_seconds() < give_up) ::usleep(5'000);
    return condition();
}

/// Alive and no zombie: an orphan may wait for its new parent for as long as it likes.
bool runs(pid_t pid) {
    try {
        const std::string facts = read_file("/proc/" + std::to_string(pid) + "/stat");
        return facts.at(facts.rfind(')') + 2) != 'Z';
    } catch (const Error&) {
        return false;
    }
}

pid_t read_pid(const std::filesystem::path& path) {
    becomes_true([&] { return std::filesystem::exists(path) && !read_file(path).empty(); });
    return std::stoi(read_file(path));
}

}  // namespace

TEST(Subprocess, ExitCodeComesBack) {
    Subprocess child(shell("exit 7"));
    const ProcessEnd end = child.wait();
    EXPECT_EQ(end.exit_code, 7);
    EXPECT_EQ(end.signal, 0);
    EXPECT_FALSE(end.ok());
    EXPECT_EQ(end.shell_code(), 7);
    EXPECT_EQ(child.wait().exit_code, 7);
    EXPECT_EQ(child.poll()->exit_code, 7);
    child.signal(SIGKILL);
}

TEST(Subprocess, KillingSignalComesBack) {
    Subprocess child(shell("exec sleep 60"));
    EXPECT_EQ(child.poll(), std::nullopt);
    child.signal(SIGTERM);
    const ProcessEnd end = child.wait();
    EXPECT_EQ(end.signal, SIGTERM);
    EXPECT_FALSE(end.ok());
    EXPECT_EQ(end.shell_code(), 143);
}

TEST(Subprocess, MissingProgramThrowsWithItsName) {
    try {
        Subprocess child({.arguments = {"no-such-program-r1"}});
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ExitCode::kScheduler);
        EXPECT_STREQ(e.what(), "cannot start 'no-such-program-r1': No such file or directory");
        return;
    }
    FAIL() << "expected Error";
}

TEST(Subprocess, NoProgramThrows) {
    EXPECT_EQ(message_of([] { Subprocess child({}); }), "cannot start a command without a program");
}

TEST(Subprocess, FileThatIsNoProgramThrows) {
    EXPECT_EQ(message_of([] { Subprocess child({.arguments = {"/etc/passwd"}}); }),
              "cannot start '/etc/passwd': Permission denied");
}

TEST(Subprocess, OutputIsAppendedWithErrors) {
    const TemporaryFolder folder;
    for (const char* word : {"one", "two"}) {
        Command command = shell(std::string("echo ") + word + "; echo bad >&2");
        command.output = folder / "log";
        EXPECT_TRUE(Subprocess(command).wait().ok());
    }
    EXPECT_EQ(read_file(folder / "log"), "one\nbad\ntwo\nbad\n");
}

TEST(Subprocess, DestructionKillsTheWholeGroup) {
    const TemporaryFolder folder;
    const std::string path = (folder / "pid").string();
    pid_t grandchild = 0;
    {
        Command command = shell("sleep 60 & echo $! > " + path + "; wait");
        command.own_process_group = true;
        const Subprocess child(command);
        grandchild = read_pid(path);
        EXPECT_TRUE(runs(grandchild));
        EXPECT_EQ(::getpgid(child.pid()), child.pid());
    }
    EXPECT_TRUE(becomes_true([&] { return !runs(grandchild); }));
}

TEST(Subprocess, GroupSignalWithoutAnOwnGroupReachesTheChildOnly) {
    Subprocess child(shell("exec sleep 60"));
    child.signal(SIGTERM, true);
    EXPECT_EQ(child.wait().signal, SIGTERM);
}

TEST(Subprocess, ChildDiesWithItsParent) {
    const TemporaryFolder folder;
    const std::string path = (folder / "pid").string();
    const pid_t middle = ::fork();
    ASSERT_GE(middle, 0);
    if (middle == 0) {
        Command command = shell("echo $$ > " + path + "; exec sleep 60");
        command.signal_when_parent_dies = SIGKILL;
        const Subprocess child(command);
        read_pid(path);
        ::kill(::getpid(), SIGKILL);
    }
    const pid_t child = read_pid(path);
    EXPECT_TRUE(becomes_true([&] { return !runs(child); }));
    ::kill(middle, SIGKILL);
    while (::waitpid(middle, nullptr, 0) < 0 && errno == EINTR) {
    }
}

TEST(RunAndCapture, StdoutComesBackWhole) {
    const Captured captured = run_and_capture(shell("head -c 300000 /dev/zero; exit 3"));
    EXPECT_EQ(captured.output, std::string(300'000, '\0'));
    EXPECT_EQ(captured.end.exit_code, 3);
}

TEST(RunAndCapture, ArgumentsReachTheProgramUntouched) {
    const std::string odd = "a b;$HOME `id` \"'\n*";
    EXPECT_EQ(run_and_capture({.arguments = {"printf", "%s|%s", odd, ""}}).output, odd + "|");
}

TEST(RunAndCapture, EnvironmentIsOverriddenAndTheRestIsKept) {
    ::setenv("R1_TEST_OLD", "old", 1);
    ::setenv("R1_TEST_KEPT", "kept", 1);
    Command command = shell("echo $R1_TEST_OLD $R1_TEST_KEPT $R1_TEST_NEW");
    command.environment = {"R1_TEST_OLD=new", "R1_TEST_NEW=a=b"};
    EXPECT_EQ(run_and_capture(command).output, "new kept a=b\n");
    EXPECT_STREQ(::getenv("R1_TEST_OLD"), "old");
}

TEST(RunAndCapture, StdinIsEmptyAndNoDescriptorIsInherited) {
    const TemporaryFolder folder;
    const FileDescriptor open_here = open_file(folder / "mine", O_WRONLY | O_CREAT);
    EXPECT_EQ(run_and_capture(shell("cat")).output, "");
    const std::string listed = run_and_capture(shell("ls -l /proc/self/fd")).output;
    EXPECT_NE(listed.find("/dev/null"), std::string::npos) << listed;
    EXPECT_EQ(listed.find("mine"), std::string::npos) << listed;
}

TEST(RunAndCapture, IgnoredAndBlockedSignalsDoNotReachTheChild) {
    ::signal(SIGTERM, SIG_IGN);
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &blocked, &before);
    const Captured captured = run_and_capture(shell("kill -TERM $$; echo survived"));
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ::signal(SIGTERM, SIG_DFL);
    EXPECT_EQ(captured.output, "");
    EXPECT_EQ(captured.end.signal, SIGTERM);
}

TEST(RunAndCapture, ChildReapedByTheSystemIsNotCalledASuccess) {
    ::signal(SIGCHLD, SIG_IGN);
    const Captured captured = run_and_capture(shell("exit 5"));
    ::signal(SIGCHLD, SIG_DFL);
    EXPECT_EQ(captured.end.exit_code, 127);
}

TEST(RunAndCapture, NamesAndBeginningsAreNotInherited) {
    ::setenv("R1_DROP_A", "a", 1);
    ::setenv("R1_DROP_B", "b", 1);
    ::setenv("R1_DROPPED", "exact", 1);
    ::setenv("R1_DROPPED_NOT", "kept", 1);
    Command command = shell("echo $R1_DROP_A:$R1_DROP_B:$R1_DROPPED:$R1_DROPPED_NOT");
    command.without = {"R1_DROP_*", "R1_DROPPED", ""};
    command.environment = {"R1_DROP_B=own"};
    EXPECT_EQ(run_and_capture(command).output, ":own::kept\n");
}

TEST(RunAndCapture, ErrorsComeBackApartWhenAskedFor) {
    const Command command = shell("echo out; echo bad >&2; head -c 300000 /dev/zero >&2; exit 3");
    const Captured captured = run_and_capture(command, {.errors = true});
    EXPECT_EQ(captured.output, "out\n");
    EXPECT_EQ(captured.errors, "bad\n" + std::string(300'000, '\0'));
    EXPECT_EQ(captured.end.exit_code, 3);
    EXPECT_FALSE(captured.timed_out);
}

TEST(RunAndCapture, LimitKillsTheWholeGroup) {
    const TemporaryFolder folder;
    const std::string path = (folder / "pid").string();
    const double begin = monotonic_seconds();
    const Captured captured =
        run_and_capture(shell("echo begun; sleep 60 & echo $! > " + path + "; wait"),
                        {.limit = std::chrono::milliseconds{300}});
    EXPECT_LT(monotonic_seconds() - begin, 10.0);
    EXPECT_TRUE(captured.timed_out);
    EXPECT_EQ(captured.end.signal, SIGTERM);
    EXPECT_EQ(captured.output, "begun\n");
    const pid_t grandchild = read_pid(path);
    EXPECT_TRUE(becomes_true([&] { return !runs(grandchild); }));
}

TEST(RunAndCapture, LimitKillsWhatDoesNotListenToSigterm) {
    const TemporaryFolder folder;
    const std::string path = (folder / "pid").string();
    const Captured captured = run_and_capture(
        shell("trap '' TERM; (trap '' TERM; sleep 60; sleep 60) & echo $! > " + path +
              "; while :; do sleep 60; done"),
        {.limit = std::chrono::milliseconds{300}, .grace = std::chrono::milliseconds{200}});
    EXPECT_TRUE(captured.timed_out);
    EXPECT_EQ(captured.end.signal, SIGKILL);
    const pid_t grandchild = read_pid(path);
    EXPECT_TRUE(becomes_true([&] { return !runs(grandchild); }));
}

TEST(RunAndCapture, GrandchildThatKeepsThePipesOpenIsNotWaitedFor) {
    const TemporaryFolder folder;
    const std::string path = (folder / "pid").string();
    for (const int limit_s : {0, 30}) {
        const double begin = monotonic_seconds();
        const Captured captured =
            run_and_capture(shell("echo done; echo bad >&2; sleep 20 & echo $! > " + path),
                            {.errors = true, .limit = std::chrono::seconds{limit_s}});
        EXPECT_LT(monotonic_seconds() - begin, 10.0);
        EXPECT_EQ(captured.output, "done\n");
        EXPECT_EQ(captured.errors, "bad\n");
        EXPECT_TRUE(captured.end.ok());
        EXPECT_FALSE(captured.timed_out);
        ::kill(read_pid(path), SIGKILL);
    }
}

TEST(RunAndCapture, ChildThatClosesItsStreamsIsStillWaitedFor) {
    const Captured captured = run_and_capture(shell("exec >&- 2>&-; sleep 0.2; exit 4"),
                                              {.limit = std::chrono::seconds{30}});
    EXPECT_EQ(captured.end.exit_code, 4);
    EXPECT_FALSE(captured.timed_out);
}

TEST(RunAndCapture, EndlessOutputIsAnError) {
    const double begin = monotonic_seconds();
    EXPECT_EQ(message_of([] { run_and_capture({.arguments = {"yes"}}, {.most_bytes = 100'000}); }),
              "'yes' wrote more than 100000 bytes; it was stopped");
    EXPECT_LT(monotonic_seconds() - begin, 10.0);
}

}  // namespace r1
