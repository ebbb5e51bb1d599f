// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/lookout.h"

namespace CLI {
class App;
}

namespace r1::cli {

struct WaitOptions {
    std::vector<std::string> wanted;
    std::filesystem::path runs;
    std::string timeout;  ///< a duration; empty: none
    bool json = false;
    LookTimes times;
};

void add_wait(CLI::App& app, Context& context);  // flags only
/// Returns 0 when every run is completed, and 1 for any other end and for a timeout.
int run_wait(const WaitOptions& options, Context& context);

/// How a run that has ended has ended: "completed at step 7 of 7", "failed at step 3 of 7: …".
std::string end_text(const RunView& view);
/// Of an ended run: 0 for a completed one, 1 for any other.
int exit_code_of(const RunView& view);

}  // namespace r1::cli
