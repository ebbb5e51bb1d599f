// SPDX-License-Identifier: Apache-2.0
#include "cli/living_ranks.h"

#include <chrono>
#include <string>
#include <thread>

#include "checkpoint/process.h"
#include "common/error.h"
#include "common/host.h"
#include "common/time.h"

namespace r1::cli {

std::vector<pid_t> living_ranks(const RunDirectory& run) {
    using namespace std::string_literals;
    // As the supervisor starts them: train --run <root> --attempt <n>. An id is unique for ever, a
    // root can be spelt in many ways.
    const std::string command = "\0train\0--run\0"s;
    const std::string id = run.run_id() + "\0--attempt\0"s;
    std::vector<pid_t> found;
    for (const std::int64_t pid : process_ids()) {
        const std::string line = process_strings(pid, "cmdline");
        if (line.find(command) != std::string::npos && line.find(id) != std::string::npos)
            found.push_back(static_cast<pid_t>(pid));
    }
    return found;
}

void wait_for_living_ranks(const RunDirectory& run, double seconds, std::ostream& err) {
    const double deadline = monotonic_seconds() + seconds;
    bool said = false;
    while (true) {
        const std::vector<pid_t> ranks = living_ranks(run);
        if (ranks.empty()) return;
        const std::string pid = std::to_string(ranks.front());
        if (monotonic_seconds() > deadline)
            throw Error(ExitCode::kRunFailed,
                        "ranks of " + run.run_id() + " still run without their launcher (pid " +
                            pid + " on " + host_name() + "); end them first: kill " + pid);
        if (!said) err << "waiting for the ranks of the last attempt to save and stop" << std::endl;
        said = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

}  // namespace r1::cli
