// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace r1::cli {

struct SubmitOptions {
    std::filesystem::path recipe;
    std::vector<std::string> overrides;
    std::filesystem::path runs;
    std::string name;  ///< in the place of the recipe's own
    std::string cluster;
    std::string partition;
    std::vector<std::string> after;  ///< runs that must be completed first
    std::int64_t nodes = 0;          ///< 0: as the recipe says
    bool dry_run = false;
    bool hold = false;
    bool yes = false;       ///< asks nothing
    bool no_check = false;  ///< without asking the cluster first
    bool json = false;
};

void add_submit(CLI::App& app, Context& context);  // flags only
/// Prints what the run may cost at most, queues its jobs, and prints its id, theirs, and what to
/// type next. With dry_run it prints the very bytes of the scripts, and makes no run.
int run_submit(const SubmitOptions& options, Context& context);

}  // namespace r1::cli
