// SPDX-License-Identifier: Apache-2.0
#include "tests/system/processes.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "checkpoint/process.h"
#include "common/time.h"

namespace r1 {

std::vector<Process> processes_of(const std::filesystem::path& folder) {
    std::vector<Process> found;
    for (const std::int64_t pid : process_ids()) {
        std::string line = process_strings(pid, "cmdline");
        if (line.find(folder.string()) == std::string::npos) continue;
        const std::filesystem::path program = line.substr(0, line.find('\0'));
        std::replace(line.begin(), line.end(), '\0', ' ');
        found.push_back({static_cast<pid_t>(pid), program.filename().string(), line});
    }
    return found;
}

std::vector<pid_t> pids_of(const std::filesystem::path& folder, const std::string& program) {
    std::vector<pid_t> pids;
    for (const Process& process : processes_of(folder))
        if (process.program == program) pids.push_back(process.pid);
    std::sort(pids.begin(), pids.end());
    return pids;
}

const char* to_string(Victim victim) {
    switch (victim) {
        case Victim::kAllRanks:
            return "all ranks";
        case Victim::kOneRank:
            return "one rank";
        case Victim::kMpirun:
            return "mpirun";
        case Victim::kR1ctl:
            break;
    }
    return "r1ctl";
}

bool kill_victim(const std::filesystem::path& folder, Victim victim) {
    const char* program = victim == Victim::kMpirun  ? "mpirun"
                          : victim == Victim::kR1ctl ? "r1ctl"
                                                     : "r1ctl-rank";
    std::vector<pid_t> pids = pids_of(folder, program);
    if (victim == Victim::kOneRank && !pids.empty()) pids.erase(pids.begin(), pids.end() - 1);
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    return !pids.empty();
}

bool wait_until(const std::function<bool()>& holds, double seconds) {
    const double deadline = monotonic_seconds() + seconds;
    while (!holds()) {
        if (monotonic_seconds() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

std::string survivors_after(const std::filesystem::path& folder, double seconds) {
    if (wait_until([&] { return processes_of(folder).empty(); }, seconds)) return "";
    std::string left;
    for (const Process& process : processes_of(folder))
        left += std::to_string(process.pid) + ": " + process.command + "\n";
    return left;
}

}  // namespace r1
