// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace r1::cli {

struct ResumeOptions {
    std::string run;
    std::filesystem::path runs;
    bool force = false;  ///< also when its last host cannot be asked whether it still runs
    bool quiet = false;
};

void add_resume(CLI::App& app, Context& context);  // flags only
/// A completed run is left as it is, with exit code 0; a running one is refused.
int run_resume(const ResumeOptions& options, Context& context);

}  // namespace r1::cli
