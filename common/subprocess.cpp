// SPDX-License-Identifier: Apache-2.0
#include "common/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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

bool is_dropped(std::string_view name, const std::vector<std::string>& without) {
    return std::any_of(without.begin(), without.end(), [name](std::string_view dropped) {
        if (dropped.empty() || dropped.back() != '*') return name == dropped;
        return name.starts_with(dropped.substr(0, dropped.size() - 1));
    });
}

/// This process's environment less `without`, with `added` in the place of what has the same name.
std::vector<std::string> merged_environment(const std::vector<std::string>& added,
                                            const std::vector<std::string>& without) {
    const auto name_of = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
    std::vector<std::string> merged = added;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        bool replaced = is_dropped(name_of(*entry), without);
        for (const std::string& own : added) replaced = replaced || name_of(own) == name_of(*entry);
        if (!replaced) merged.emplace_back(*entry);
    }
    return merged;
}

}  // namespace

/// Where the child's streams go; -1 inherits.
struct Subprocess::Streams {
    int output = -1;
    int errors = -1;
};

namespace {

/// Runs between fork and exec: only async-signal-safe calls. Reports errno through `status_fd`.
[[noreturn]] void become(const Command& command, char* const* arguments, char* const* environment,
                         int output_fd, int errors_fd, int status_fd, pid_t parent) {
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
    if (output_fd >= 0) ready = ready && ::dup2(output_fd, STDOUT_FILENO) >= 0;
    if (errors_fd >= 0) ready = ready && ::dup2(errors_fd, STDERR_FILENO) >= 0;
    if (ready) ::execvpe(arguments[0], arguments, environment);
    const int reason = errno;
    [[maybe_unused]] const ssize_t ignored = ::write(status_fd, &reason, sizeof reason);
    ::_exit(127);
}

pid_t spawn(const Command& command, int output_fd, int errors_fd) {
    if (command.arguments.empty())
        throw Error(ExitCode::kScheduler, "cannot start a command without a program");
    const std::vector<std::string> environment =
        merged_environment(command.environment, command.without);
    const std::vector<char*> argument_pointers = pointers(command.arguments);
    const std::vector<char*> environment_pointers = pointers(environment);
    Pipe status = make_pipe();
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) throw_system_error("start", command.arguments.front(), ExitCode::kScheduler);
    if (pid == 0)
        become(command, argument_pointers.data(), environment_pointers.data(), output_fd, errors_fd,
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
    pid_ = spawn(command, output.get(), output.get());
}

Subprocess::Subprocess(const Command& command, const Streams& streams)
    : pid_(spawn(command, streams.output, streams.errors)), own_group_(command.own_process_group) {}

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

namespace {

/// The reading end of one stream of a child, and what came through it.
struct Stream {
    FileDescriptor end;
    std::string text;

    bool open() const { return end.get() >= 0; }
    void read_some() {
        std::array<char, 1 << 16> block{};
        const ssize_t got = ::read(end.get(), block.data(), block.size());
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (got <= 0)
            end = FileDescriptor{};
        else
            text.append(block.data(), static_cast<std::size_t>(got));
    }
    /// What is in the pipe at this moment. Someone else who holds it may write for ever.
    void read_rest() {
        int waiting = 0;
        if (!open() || ::ioctl(end.get(), FIONREAD, &waiting) != 0) return;
        const std::size_t before = text.size();
        while (open() && text.size() - before < static_cast<std::size_t>(waiting)) read_some();
    }
};

/// True when the child has ended, or someone else has reaped it. It stays a zombie, so that its
/// number still names its process group.
bool has_ended(pid_t pid) {
    siginfo_t facts{};
    const int got = ::waitid(P_PID, static_cast<id_t>(pid), &facts, WEXITED | WNOHANG | WNOWAIT);
    return got == 0 ? facts.si_pid != 0 : errno == ECHILD;
}

}  // namespace

/// A child whose streams are read until it ends.
struct CapturedProcess {
    using Clock = std::chrono::steady_clock;

    CapturedProcess(const Command& command, const CaptureOptions& wanted)
        : options(wanted),
          program(command.arguments.empty() ? "" : command.arguments.front()),
          child(start(command, *this)) {}

    static Subprocess start(Command command, CapturedProcess& self) {
        Pipe output = make_pipe();
        Pipe errors;
        if (self.options.errors) errors = make_pipe();
        if (self.options.limit.count() > 0) command.own_process_group = true;
        self.output.end = std::move(output.read_end);
        self.errors.end = std::move(errors.read_end);
        return Subprocess(command, {output.write_end.get(), errors.write_end.get()});
    }

    /// Reads until the child has ended, or until `until`. True when it has ended.
    bool read(std::optional<Clock::time_point> until) {
        std::chrono::milliseconds pause{1};
        while (!has_ended(child.pid())) {
            if (until && Clock::now() >= *until) return false;
            // The pipes wake this up; the pause is for a child that has closed them, or has left
            // them to a process that outlives it.
            std::array<pollfd, 2> watched{
                {{output.end.get(), POLLIN, 0}, {errors.end.get(), POLLIN, 0}}};
            const int ready =
                ::poll(watched.data(), watched.size(), static_cast<int>(pause.count()));
            if (ready > 0 && watched[0].revents != 0) output.read_some();
            if (ready > 0 && watched[1].revents != 0) errors.read_some();
            check_size();
            pause = ready > 0 ? std::chrono::milliseconds{1} : std::min(2 * pause, kLongestPause);
        }
        return true;
    }

    void check_size() const {
        if (std::max(output.text.size(), errors.text.size()) <= options.most_bytes) return;
        throw Error(ExitCode::kScheduler, "'" + program + "' wrote more than " +
                                              std::to_string(options.most_bytes) +
                                              " bytes; it was stopped");
    }

    Captured run() {
        Captured captured;
        const bool limited = options.limit.count() > 0;
        const Clock::time_point start = Clock::now();
        captured.timed_out = !read(limited ? std::optional(start + options.limit) : std::nullopt);
        if (captured.timed_out) {
            child.signal(SIGTERM, true);
            read(Clock::now() + options.grace);
            // Also when the child itself has gone: others of its group may not have listened.
            child.signal(SIGKILL, true);
        }
        captured.end = child.wait();
        output.read_rest();
        errors.read_rest();
        check_size();
        captured.output = std::move(output.text);
        captured.errors = std::move(errors.text);
        return captured;
    }

    static constexpr std::chrono::milliseconds kLongestPause{20};
    CaptureOptions options;
    std::string program;
    Stream output;
    Stream errors;
    Subprocess child;  // last: its destructor ends a child that is still there
};

Captured run_and_capture(const Command& command, const CaptureOptions& options) {
    return CapturedProcess(command, options).run();
}

}  // namespace r1
