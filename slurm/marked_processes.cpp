// SPDX-License-Identifier: Apache-2.0
#include "slurm/marked_processes.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace r1 {

namespace {

/// The environment a process was started with: entries that end in '\0'. Empty for a process that
/// has ended, or that belongs to someone else.
std::string environment_of(const std::string& pid) {
    std::ifstream in("/proc/" + pid + "/environ", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool holds(const std::string& environment, const std::string& mark) {
    const std::string entry = mark + '\0';
    return environment.starts_with(entry) || environment.find('\0' + entry) != std::string::npos;
}

}  // namespace

std::vector<pid_t> processes_marked(const std::string& mark) {
    std::vector<pid_t> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
        const std::string name = entry.path().filename().string();
        const bool is_pid = std::all_of(name.begin(), name.end(),
                                        [](unsigned char c) { return std::isdigit(c) != 0; });
        if (is_pid && holds(environment_of(name), mark)) found.push_back(std::stoi(name));
    }
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
