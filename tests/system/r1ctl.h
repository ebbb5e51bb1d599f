// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/subprocess.h"

namespace r1 {

/// What a command printed, and how it ended.
struct Transcript {
    ProcessEnd end;
    std::string out;
    std::string err;
    std::string all() const { return "stdout:\n" + out + "stderr:\n" + err; }
};

/// The built r1ctl at work on the runs of one folder.
class R1ctl {
  public:
    R1ctl(const std::filesystem::path& folder, std::vector<std::string> arguments);

    Transcript wait();
    bool ended() { return process_->poll().has_value(); }
    void signal(int number) { process_->signal(number); }
    pid_t pid() const { return process_->pid(); }
    /// What it has printed on stderr so far.
    std::string err() const;

  private:
    std::string output_;  // the files' common path
    std::unique_ptr<Subprocess> process_;
};

/// Runs one command to its end.
Transcript r1ctl(const std::filesystem::path& folder, std::vector<std::string> arguments);
/// The same for r1ctl-rank, as one rank without mpirun.
Transcript r1ctl_rank(const std::filesystem::path& folder, std::vector<std::string> arguments);

}  // namespace r1
