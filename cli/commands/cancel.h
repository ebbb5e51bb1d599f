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

struct CancelOptions {
    std::vector<std::string> wanted;
    std::filesystem::path runs;
    bool now = false;      ///< without saving
    bool no_wait = false;  ///< returns when the ranks have been told
    std::string grace = "10m";
    double files_s = 0.2;  ///< between two looks at the records
    double ask_s = 5;      ///< between two questions to the scheduler, at first
};

void add_cancel(CLI::App& app, Context& context);  // flags only
/// Saves first, then stops. A run that has ended is left alone. Returns 1 when a run could not be
/// stopped, or was stopped without having saved although that was wished.
int run_cancel(const CancelOptions& options, Context& context);

}  // namespace r1::cli
