// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace r1 {

/// A living process whose command line names the folder of a test.
struct Process {
    pid_t pid = 0;
    std::string program;  ///< "r1ctl", "mpirun" or "r1ctl-rank"
    std::string command;
};
std::vector<Process> processes_of(const std::filesystem::path& folder);
/// Those of one program, by pid.
std::vector<pid_t> pids_of(const std::filesystem::path& folder, const std::string& program);

enum class Victim { kAllRanks, kOneRank, kMpirun, kR1ctl };
const char* to_string(Victim victim);
/// SIGKILL. False when there was none to kill.
bool kill_victim(const std::filesystem::path& folder, Victim victim);

/// Looks every millisecond; false after `seconds`.
bool wait_until(const std::function<bool()>& holds, double seconds);

/// Waits until no process of the folder lives; the command lines of those that still do.
std::string survivors_after(const std::filesystem::path& folder, double seconds);

}  // namespace r1
