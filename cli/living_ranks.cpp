// SPDX-License-Identifier: Apache-2.0
#include "cli/living_ranks.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "common/error.h"
#include "common/time.h"

namespace r1::cli {

namespace {

/// A pid may have been taken by another program: the run's id must be in its command line.
bool is_rank_of(const RunDirectory& run, std::int64_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
    const std::string line{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    return line.find(run.run_id()) != std::string::npos;
}

}  // namespace

std::vector<RankPlace> living_ranks(const RunDirectory& run) {
    const int attempt = run.newest_attempt();
    if (attempt == 0) return {};
    std::vector<RankPlace> ranks = read_ranks(run, attempt);
    const std::string host = host_name();
    std::erase_if(ranks, [&](const RankPlace& place) {
        return place.host != host || !is_rank_of(run, place.pid);
    });
    return ranks;
}

void wait_for_living_ranks(const RunDirectory& run, double seconds, std::ostream& err) {
    const double deadline = monotonic_seconds() + seconds;
    bool said = false;
    while (true) {
        const std::vector<RankPlace> ranks = living_ranks(run);
        if (ranks.empty()) return;
        const std::string pid = std::to_string(ranks.front().pid);
        if (monotonic_seconds() > deadline)
            throw Error(ExitCode::kRunFailed,
                        "ranks of " + run.run_id() + " still run without their launcher (pid " +
                            pid + " on " + ranks.front().host + "); end them first: kill " + pid);
        if (!said) err << "waiting for the ranks of the last attempt to save and stop" << std::endl;
        said = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

}  // namespace r1::cli
