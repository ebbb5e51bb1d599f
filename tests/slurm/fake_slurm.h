// SPDX-License-Identifier: Apache-2.0
// Slurm's commands replayed: tests/slurm/fakes in front of PATH, and a folder of answers.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/common/temporary_folder.h"

namespace r1 {

class FakeSlurm {
  public:
    FakeSlurm() : path_(std::getenv("PATH")) {
        ::setenv("PATH", (std::string(R1_FAKE_COMMANDS) + ":" + path_).c_str(), 1);
        ::setenv("R1_FAKE_SLURM", folder_.path().c_str(), 1);
    }
    FakeSlurm(const FakeSlurm&) = delete;
    FakeSlurm& operator=(const FakeSlurm&) = delete;
    ~FakeSlurm() {
        ::setenv("PATH", path_.c_str(), 1);
        ::unsetenv("R1_FAKE_SLURM");
    }

    /// What `call` answers: "sbatch.1" is the first call of sbatch, "sbatch" every other one.
    void out(const std::string& call, const std::string& text) { write(call + ".out", text); }
    void err(const std::string& call, const std::string& text, int code = 1) {
        write(call + ".err", text);
        write(call + ".code", std::to_string(code));
    }
    void hangs(const std::string& call) { write(call + ".hang", ""); }

    std::size_t calls(const std::string& command) const {
        const std::string lines = read(command + ".calls");
        return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
    }
    /// The arguments of a call, "scancel.1", joined by blanks.
    std::string arguments(const std::string& call) const {
        std::string joined;
        for (const std::string& argument : argument_list(call))
            joined += (joined.empty() ? "" : " ") + argument;
        return joined;
    }
    std::vector<std::string> argument_list(const std::string& call) const {
        std::vector<std::string> list;
        std::istringstream stream(read(call + ".argv"));
        for (std::string argument; std::getline(stream, argument, '\0');) list.push_back(argument);
        return list;
    }
    std::map<std::string, std::string> environment(const std::string& call) const {
        std::map<std::string, std::string> variables;
        std::istringstream stream(read(call + ".env"));
        for (std::string line; std::getline(stream, line);)
            variables[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
        return variables;
    }

    const std::filesystem::path& folder() const { return folder_.path(); }

  private:
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name, std::ios::binary) << text;
    }
    std::string read(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(folder_ / name, std::ios::binary).rdbuf();
        return text.str();
    }

    TemporaryFolder folder_;
    std::string path_;
};

}  // namespace r1
