// SPDX-License-Identifier: Apache-2.0
// Begins an attempt and stays with it to its end.
#pragma once

#include <filesystem>

#include "checkpoint/run_directory.h"
#include "cli/context.h"
#include "recipes/recipe.h"

namespace r1::cli {

struct SuperviseOptions {
    std::filesystem::path rank_program;
    bool quiet = false;  ///< no progress; notes, the report and errors are still shown
};

/// Runs the next attempt: writes its records, starts the ranks, shows their progress, and prints
/// the report. The first SIGINT, SIGTERM or SIGHUP asks the ranks to save and to stop; the second
/// ends them at once. Should this process be killed, the ranks save and stop by themselves. Returns
/// the exit code: 0 after a completed attempt and after a stop on request.
int supervise(const RunDirectory& run, const Recipe& recipe, const SuperviseOptions& options,
              Context& context);

}  // namespace r1::cli
