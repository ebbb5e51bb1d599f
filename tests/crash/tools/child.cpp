// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/tools/child.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <stdexcept>

#include "common/error.h"
#include "common/time.h"
#include "tests/crash/tools/figure.h"

namespace r1::crash {
namespace {

constexpr unsigned kLongestSeconds = 60;
enum Code { kFinished = 0, kError = 1, kTrouble = 2 };

void say(int pipe, const std::string& text) {
    // Pipes take this much at once.
    if (::write(pipe, text.data(), std::min<std::size_t>(text.size(), 4096)) < 0) ::_exit(kTrouble);
}

[[noreturn]] void be_child(int pipe, const shim::Plan& plan, const std::function<void()>& work) {
    ::alarm(kLongestSeconds);
    Code code = kFinished;
    std::string text;
    try {
        r1_shim_arm(&plan);
        work();
    } catch (const Error& e) {
        code = kError;
        text = e.what();
    } catch (const std::exception& e) {
        code = kTrouble;
        text = e.what();
    }
    r1_shim_disarm();
    say(pipe, text);
    ::_exit(code);
}

std::string read_all(int pipe) {
    std::string text;
    std::array<char, 4096> block{};
    for (ssize_t got = 0; (got = ::read(pipe, block.data(), block.size())) > 0;)
        text.append(block.data(), static_cast<std::size_t>(got));
    return text;
}

}  // namespace

Ending in_child(const shim::Plan& plan, const std::function<void()>& work) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) throw std::runtime_error("pipe failed");
    const double start = monotonic_seconds();
    const pid_t pid = ::fork();
    if (pid < 0) throw std::runtime_error("fork failed");
    if (pid == 0) {
        ::close(pipe[0]);
        be_child(pipe[1], plan, work);
    }
    ::close(pipe[1]);
    const std::string text = read_all(pipe[0]);
    ::close(pipe[0]);
    int status = 0;
    struct rusage usage {};
    ::wait4(pid, &status, 0, &usage);

    Ending ending;
    ending.seconds = monotonic_seconds() - start;
    ending.peak_kib = usage.ru_maxrss;
    if (WIFSIGNALED(status)) {
        ending.killed = WTERMSIG(status) == SIGKILL;
        if (!ending.killed) ending.trouble = "ended by signal " + std::to_string(WTERMSIG(status));
    } else if (WEXITSTATUS(status) == kFinished) {
        ending.finished = true;
    } else if (WEXITSTATUS(status) == kError) {
        ending.error = text;
    } else {
        ending.trouble = "exit code " + std::to_string(WEXITSTATUS(status)) + ": " + text;
    }
    return ending;
}

shim::Plan plan_for(const std::filesystem::path& root) {
    shim::Plan plan;
    plan.root = root.c_str();
    return plan;
}

shim::Plan plan_for(const std::filesystem::path& root, const std::filesystem::path& log) {
    shim::Plan plan = plan_for(root);
    plan.log = log.c_str();
    return plan;
}

std::uint64_t count_operations(shim::Plan plan, const std::function<void()>& work) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) throw std::runtime_error("pipe failed");
    const Ending ending = in_child(plan, [&] {
        work();
        const std::uint64_t count = r1_shim_operations();
        say(pipe[1], std::string(reinterpret_cast<const char*>(&count), sizeof count));
    });
    ::close(pipe[1]);
    std::uint64_t count = 0;
    const bool told = ::read(pipe[0], &count, sizeof count) == ssize_t{sizeof count};
    ::close(pipe[0]);
    if (!told) throw std::runtime_error("unharmed: " + ending.error + ending.trouble);
    return count;
}

MemoryFolder::MemoryFolder() {
    for (const std::filesystem::path& place :
         {std::filesystem::path("/dev/shm"), std::filesystem::temp_directory_path()}) {
        std::string name = (place / "r1-crash-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) continue;
        path_ = name;
        return;
    }
    throw std::runtime_error("no folder for temporary files");
}

MemoryFolder::~MemoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

RunFolder::RunFolder() {
    if (is_long())
        disk_.emplace();
    else
        memory_.emplace();
}

}  // namespace r1::crash
