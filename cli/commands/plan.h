// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace r1::cli {

struct PlanOptions {
    std::filesystem::path recipe;
    std::vector<std::string> overrides;
    std::filesystem::path runs;
    std::string cluster;
    std::string partition;
    std::int64_t nodes = 0;  ///< 0: as the recipe says
    std::string hardware;    ///< type of GPU, or "cpu"; without a cluster then
    std::string calibrate;   ///< a run
    bool json = false;
};

void add_plan(CLI::App& app, Context& context);  // flags only
/// Prints what the recipe will need and cost. Returns 2 when a stage does not fit its devices, with
/// the nearest layout that does.
int run_plan(const PlanOptions& options, Context& context);

}  // namespace r1::cli
