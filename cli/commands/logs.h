// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace r1::cli {

struct LogsOptions {
    std::string run;
    std::filesystem::path runs;
    int attempt = 0;  ///< 0: the newest
    bool follow = false;
};

void add_logs(CLI::App& app, Context& context);  // flags only
int run_logs(const LogsOptions& options, Context& context);

}  // namespace r1::cli
