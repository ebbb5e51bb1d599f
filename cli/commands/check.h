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

struct CheckOptions {
    std::filesystem::path recipe;
    std::vector<std::string> overrides;
    bool ask_cluster = false;
    std::string cluster;  ///< its name; empty: the only one
};

void add_check(CLI::App& app, Context& context);  // flags only
/// Returns 3 when the cluster would refuse the run.
int run_check(const CheckOptions& options, Context& context);

}  // namespace r1::cli
