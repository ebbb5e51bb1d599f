// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/context.h"
#include "slurm/billing/cost_answer.h"

namespace CLI {
class App;
}

namespace r1::cli {

struct CostOptions {
    std::vector<std::string> wanted;  ///< empty: every run
    std::filesystem::path runs;
    std::string since;
    std::string until;
    std::string user;
    std::string account;
    CostKey by = CostKey::kRun;
    bool json = false;
    bool csv = false;
    bool explain = false;
    std::vector<std::string> diff;  ///< two runs, or none
    std::filesystem::path sacct;    ///< what sacct printed, instead of runs; "-": stdin
    std::string cluster;            ///< whose prices; of --sacct
    bool rebuild = false;
};

void add_cost(CLI::App& app, Context& context);  // flags only
/// A run that cannot be read is a line of the log; it never hides the others.
int run_cost(const CostOptions& options, Context& context);

/// "2026-01-31", "2026-01-31T12:00:00Z", "7d ago", "24h". Throws Error (kUsage) naming `option`.
std::int64_t parse_cost_time(const std::string& option, const std::string& text,
                             std::int64_t now_ms);

}  // namespace r1::cli
