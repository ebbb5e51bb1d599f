// SPDX-License-Identifier: Apache-2.0
#include "slurm/marked_processes.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "checkpoint/process.h"

namespace r1 {

namespace {

bool holds(const std::string& environment, const std::string& mark) {
    const std::string entry = mark + '\0';
    return environment.starts_with(entry) || environment.find('\0' + entry) != std::string::npos;
}

}  // namespace

std::vector<pid_t> processes_marked(const std::string& mark) {
    std::vector<pid_t> found;
    for (const std::int64_t pid : process_ids())
        if (holds(process_strings(pid, "environ"), mark)) found.push_back(static_cast<pid_t>(pid));
    return found;
}

void kill_processes_marked(const std::string& mark) {
    for (int attempt = 0; attempt < 100; ++attempt) {
        std::vector<pid_t> left = processes_marked(mark);
        std::erase(left, ::getpid());
        if (left.empty()) return;
        for (const pid_t pid : left) ::kill(pid, SIGKILL);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

}  // namespace r1
