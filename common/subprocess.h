// SPDX-License-Identifier: Apache-2.0
// Child processes by argument vector: no shell ever sees a string.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace r1 {

struct Command {
    std::vector<std::string> arguments{};    ///< arguments[0] is looked up on PATH
    std::vector<std::string> environment{};  ///< "NAME=value", added to this process's environment
    /// What the child does not inherit: names, or beginnings of names that end in '*'. An entry of
    /// `environment` is given all the same.
    std::vector<std::string> without{};
    std::filesystem::path output{};   ///< stdout and stderr are appended here; empty inherits both
    bool own_process_group = false;   ///< so that a terminal's Ctrl-C does not reach it
    int signal_when_parent_dies = 0;  ///< Linux PR_SET_PDEATHSIG; 0 for none
};

/// How a process ended.
struct ProcessEnd {
    int exit_code = 0;  ///< valid when signal is 0
    int signal = 0;     ///< the signal that killed it, or 0
    bool ok() const { return signal == 0 && exit_code == 0; }
    /// The shell's convention: the exit code, or 128 + the signal.
    int shell_code() const { return signal == 0 ? exit_code : 128 + signal; }
};

/// One child. Destroying a running one kills its whole group and reaps it.
class Subprocess {
  public:
    /// Starts it. Throws Error when the program cannot be executed. Close-on-exec is the default
    /// for every descriptor opened by this project; stdin is /dev/null.
    explicit Subprocess(const Command& command);
    Subprocess(const Subprocess&) = delete;
    Subprocess& operator=(const Subprocess&) = delete;
    ~Subprocess();

    pid_t pid() const { return pid_; }
    /// nullopt while it runs.
    std::optional<ProcessEnd> poll();
    ProcessEnd wait();
    /// Signals the process, or with `group` everyone in its own group. Harmless once it has ended.
    void signal(int number, bool group = false);

  private:
    struct Streams;
    Subprocess(const Command& command, const Streams& streams);
    friend struct CapturedProcess;

    pid_t pid_ = -1;
    bool own_group_ = false;
    std::optional<ProcessEnd> end_;
};

/// How run_and_capture goes about it.
struct CaptureOptions {
    bool errors = false;  ///< captures stderr as well; otherwise it goes through
    /// After it the child's whole process group gets SIGTERM, and after `grace` SIGKILL. With a
    /// limit the child has a process group of its own. 0: no limit.
    std::chrono::milliseconds limit{0};
    std::chrono::milliseconds grace{2000};
    std::size_t most_bytes = std::size_t{256} << 20;  ///< of one stream; more is an Error
};

struct Captured {
    ProcessEnd end;
    std::string output;
    std::string errors;      ///< empty unless asked for
    bool timed_out = false;  ///< it ran past the limit, and what it had written is here
};

/// Runs a command to its end and returns its stdout. What a process that it left behind may still
/// write is not waited for. Throws as Subprocess.
Captured run_and_capture(const Command& command, const CaptureOptions& options = {});

}  // namespace r1
