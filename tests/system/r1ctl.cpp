// SPDX-License-Identifier: Apache-2.0
#include "tests/system/r1ctl.h"

#include <atomic>

#include "common/file.h"

namespace r1 {

namespace {

std::string next_output(const std::filesystem::path& folder) {
    static std::atomic<int> count{0};
    return (folder / ("output-" + std::to_string(++count))).string();
}

/// `exec` keeps the process: what is signalled is r1ctl itself.
Command command_for(const std::filesystem::path& folder, const std::string& output,
                    const std::vector<std::string>& arguments, const char* program = R1_R1CTL) {
    Command command;
    command.arguments = {"/bin/sh", "-c", R"(exec "$@" >"$0.out" 2>"$0.err")", output, program};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    command.environment = {"R1CTL_RUNS=" + (folder / "runs").string()};
    return command;
}

Transcript transcript_of(const std::string& output, const ProcessEnd& end) {
    const auto text = [&](const char* suffix) {
        std::error_code ignored;
        return std::filesystem::exists(output + suffix, ignored) ? read_file(output + suffix) : "";
    };
    return {end, text(".out"), text(".err")};
}

}  // namespace

R1ctl::R1ctl(const std::filesystem::path& folder, std::vector<std::string> arguments)
    : output_(next_output(folder)),
      process_(std::make_unique<Subprocess>(command_for(folder, output_, arguments))) {}

Transcript R1ctl::wait() {
    return transcript_of(output_, process_->wait());
}

std::string R1ctl::err() const {
    return transcript_of(output_, {}).err;
}

Transcript r1ctl(const std::filesystem::path& folder, std::vector<std::string> arguments) {
    return R1ctl(folder, std::move(arguments)).wait();
}

Transcript r1ctl_rank(const std::filesystem::path& folder, std::vector<std::string> arguments) {
    const std::string output = next_output(folder);
    return transcript_of(output,
                         Subprocess(command_for(folder, output, arguments, R1_RANK)).wait());
}

}  // namespace r1
