// SPDX-License-Identifier: Apache-2.0
// Work in a forked child under a plan of the shim: a case costs a fork, not the start of a program.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "tests/common/temporary_folder.h"
#include "tests/crash/shim/shim.h"

namespace r1::crash {

/// How a child ended.
struct Ending {
    bool finished = false;  ///< the work returned
    bool killed = false;    ///< by SIGKILL, as a plan does
    std::string error;      ///< what() of the r1::Error that the work threw
    std::string trouble;    ///< another exception, another signal, too long: never right
    double seconds = 0;
    std::int64_t peak_kib = 0;  ///< of its resident memory
};

/// Arms the plan in a child, does the work there and waits for its end, at most a minute. The
/// caller has no other threads.
Ending in_child(const shim::Plan& plan, const std::function<void()>& work);

/// A plan with only these set. Borrows the paths.
shim::Plan plan_for(const std::filesystem::path& root);
shim::Plan plan_for(const std::filesystem::path& root, const std::filesystem::path& log);
shim::Plan plan_for(const std::filesystem::path&& root) = delete;
shim::Plan plan_for(const std::filesystem::path&& root, const std::filesystem::path& log) = delete;
shim::Plan plan_for(const std::filesystem::path& root, const std::filesystem::path&& log) = delete;

/// How many operations below `root` the work does, by doing it once in a child.
std::uint64_t count_operations(shim::Plan plan, const std::function<void()>& work);

/// A fresh folder in memory where there is one: thousands of small checkpoints wait for no disk.
class MemoryFolder {
  public:
    MemoryFolder();
    MemoryFolder(const MemoryFolder&) = delete;
    MemoryFolder& operator=(const MemoryFolder&) = delete;
    ~MemoryFolder();
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// A fresh folder of a run: in memory, as a killed process leaves its page cache and an error is
/// the shim's; on the disk in the long versions all the same.
class RunFolder {
  public:
    RunFolder();
    const std::filesystem::path& path() const { return disk_ ? disk_->path() : memory_->path(); }

  private:
    std::optional<TemporaryFolder> disk_;
    std::optional<MemoryFolder> memory_;
};

}  // namespace r1::crash
