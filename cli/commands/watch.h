// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "cli/context.h"
#include "cli/lookout.h"

namespace CLI {
class App;
}

namespace r1::cli {

struct WatchOptions {
    std::string run;
    std::filesystem::path runs;
    LookTimes times;
};

void add_watch(CLI::App& app, Context& context);  // flags only
/// Returns what `wait` returns; 0 when the user leaves, which changes nothing for the run.
int run_watch(const WatchOptions& options, Context& context);

}  // namespace r1::cli
