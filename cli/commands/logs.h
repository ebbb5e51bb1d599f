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

struct LogsOptions {
    std::string run;
    std::filesystem::path runs;
    int attempt = 0;  ///< 0: the newest
    bool follow = false;
    bool batch = false;  ///< what the job script said, in the place of the ranks
    LookTimes times{.files_s = 0.1};
};

void add_logs(CLI::App& app, Context& context);  // flags only
/// Following goes over to the next attempt, after a line "==> attempt 3 on node[1-2] <==", and ends
/// when the run has ended for good.
int run_logs(const LogsOptions& options, Context& context);

}  // namespace r1::cli
