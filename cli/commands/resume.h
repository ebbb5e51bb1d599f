// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
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
    std::int64_t nodes = 0;  ///< of a submitted run; 0: as its recipe says
    std::int64_t ranks = 0;  ///< of any other run; 0: as its recipe says
    std::string budget;      ///< an amount; empty: the run's own
    bool force = false;      ///< also when nobody can say whether it still runs
    bool dry_run = false;    ///< prints the job script of a submitted run
    bool quiet = false;
};

void add_resume(CLI::App& app, Context& context);  // flags only
/// A completed run is left as it is, with exit code 0; a running or queued one is refused. A run
/// that was submitted is queued again, any other goes on here and now.
int run_resume(const ResumeOptions& options, Context& context);

}  // namespace r1::cli
