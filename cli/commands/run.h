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

struct RunOptions {
    std::filesystem::path recipe;
    std::vector<std::string> overrides;
    std::filesystem::path runs;
    std::string name;  ///< in the place of the recipe's own
    bool quiet = false;
};

void add_run(CLI::App& app, Context& context);  // flags only
int run_run(const RunOptions& options, Context& context);

}  // namespace r1::cli
