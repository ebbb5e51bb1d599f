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

struct StatusOptions {
    std::vector<std::string> wanted;  ///< empty: every run
    std::filesystem::path runs;
    bool json = false;
};

void add_status(CLI::App& app, Context& context);  // flags only
/// A damaged run is a row that says so; it never hides the others.
int run_status(const StatusOptions& options, Context& context);

}  // namespace r1::cli
