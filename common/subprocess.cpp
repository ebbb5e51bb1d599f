// SPDX-License-Identifier: Apache-2.0
#include "common/subprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/error.h"
#include "common/file.h"

namespace r1 {

namespace {

struct Pipe {
    FileDescriptor read_end;
    FileDescriptor write_end;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("create", "pipe");
    return {FileDescriptor{ends[0]}, FileDescriptor{ends[1]}};
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (const std::string& text : strings) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

/// This process's environment with `added` in the place of what has the same name.
std::vector<std::string> merged_environment(const std::vector<std::string>& added) {
    const auto name_of = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
    std::vector<std::string> merged = added;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        bool replaced = false;
        for (const std::string& own : added) replaced = replaced || name_of(own) == name_of(*entry);
        if (!replaced) merged.emplace_back(*entry);
    }
    return merged;
}

/// Runs between fork and exec: only async-signal-safe calls. Reports errno through `status_fd`.
[[noreturn]] void become(const Command& command, char* const* arguments, char* const* environment,
                         int output_fd, int status_fd, pid_t parent) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2})
        ::signal(number, SIG_DFL);
    bool ready = !command.own_process_group || ::setpgid(0, 0) == 0;
    if (command.signal_when_parent_dies != 0) {
        ready = ready && ::prctl(PR_SET_PDEATHSIG, command.signal_when_parent_dies) == 0;
        if (::getppid() != parent) ::_exit(127);  // the parent died before prctl took hold
    }
    const int null_fd = ::open("/dev/null", O_RDONLY);
    ready = ready && null_fd >= 0 && ::dup2(null_fd, STDIN_FILENO) >= 0;
    if (null_fd > STDERR_FILENO) ::close(null_fd);
    if (output_fd >= 0) {
        ready = ready && ::dup2(output_fd, STDOUT_FILENO) >= 0;
        if (!command.output.empty()) ready = ready && ::dup2(output_fd, STDERR_FILENO) >= 0;
    }
    if (ready) ::execvpe(arguments[0], arguments, environment);
    const int reason = errno;
    [[maybe_unused]] const ssize_t ignored = ::write(status_fd, &reason, sizeof reason);
    ::_exit(127);
}

pid_t spawn(const Command& command, int output_fd) {
    if (command.arguments.empty())
        throw Error(ExitCode::kScheduler, "cannot start a command without a program");
    const std::vector<std::string> environment = merged_environment(command.environment);
    const std::vector<char*> argument_pointers = pointers(command.arguments);
    const std::vector<char*> environment_pointers = pointers(environment);
    Pipe status = make_pipe();
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) throw_system_error("start", command.arguments.front(), ExitCode::kScheduler);
    if (pid == 0)
        become(command, argument_pointers.data(), environment_pointers.data(), output_fd,
               status.write_end.get(), parent);
    status.write_end = FileDescriptor{};
    int reason = 0;
    ssize_t got = 0;
    do {
        got = ::read(status.read_end.get(), &reason, sizeof reason);
    } while (got < 0 && errno == EINTR);
    if (got == static_cast<ssize_t>(sizeof reason)) {
        ::waitpid(pid, nullptr, 0);
        errno = reason;
        throw_system_error("start", command.arguments.front(), ExitCode::kScheduler);
    }
    return pid;
}

ProcessEnd to_end(int status) {
    ProcessEnd end;
    if (WIFSIGNALED(status))
        end.signal = WTERMSIG(status);
    else
        end.exit_code = WEXITSTATUS(status);
    return end;
}

/// Waits for a child; 127 when someone else has reaped it, so that its end is unknown.
ProcessEnd reap(pid_t pid) {
    int status = 0;
    pid_t got = 0;
    do {
        got = ::waitpid(pid, &status, 0);
    } while (got < 0 && errno == EINTR);
    return got == pid ? to_end(status) : ProcessEnd{.exit_code = 127};
}

}  // namespace

Subprocess::Subprocess(const Command& command) : own_group_(command.own_process_group) {
    FileDescriptor output;
    if (!command.output.empty()) output = open_file(command.output, O_WRONLY | O_CREAT | O_APPEND);
    pid_ = spawn(command, output.get());
}

Subprocess::~Subprocess() {
    if (end_) return;
    signal(SIGKILL, own_group_);
    wait();
}

std::optional<ProcessEnd> Subprocess::poll() {
    if (end_) return end_;
    int status = 0;
    const pid_t got = ::waitpid(pid_, &status, WNOHANG);
    if (got == pid_) end_ = to_end(status);
    if (got < 0 && errno != EINTR) throw_system_error("wait for", std::to_string(pid_));
    return end_;
}

ProcessEnd Subprocess::wait() {
    if (!end_) end_ = reap(pid_);
    return *end_;
}

void Subprocess::signal(int number, bool group) {
    if (!end_) ::kill(group && own_group_ ? -pid_ : pid_, number);
}

Captured run_and_capture(const Command& command) {
    Pipe pipe = make_pipe();
    const pid_t pid = spawn(command, pipe.write_end.get());
    pipe.write_end = FileDescriptor{};
    Captured captured;
    std::array<char, 1 << 14> block{};
    while (true) {
        const ssize_t got = ::read(pipe.read_end.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        captured.output.append(block.data(), static_cast<std::size_t>(got));
    }
    captured.end = reap(pid);
    return captured;
}

}  // namespace r1
