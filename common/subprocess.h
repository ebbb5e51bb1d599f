// SPDX-License-Identifier: Apache-2.0
// Child processes by argument vector: no shell ever sees a string.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace r1 {

struct Command {
    std::vector<std::string> arguments{};    ///< arguments[0] is looked up on PATH
    std::vector<std::string> environment{};  ///< "NAME=value", added to this process's environment
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
    pid_t pid_ = -1;
    bool own_group_ = false;
    std::optional<ProcessEnd> end_;
};

struct Captured {
    ProcessEnd end;
    std::string output;
};
/// Runs a command to its end and returns its stdout; stderr goes through. Throws as Subprocess.
Captured run_and_capture(const Command& command);

}  // namespace r1
