// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace r1::cli {

struct CheckpointDiffOptions {
    std::string a;  ///< "RUN:STEP", "FOLDER:STEP", or without the step: the newest
    std::string b;
    std::filesystem::path runs;
    bool json = false;
};

void add_checkpoint_diff(CLI::App& app, Context& context);  // flags only
/// Returns 0 when tensors and state are equal, 1 when they differ.
int run_checkpoint_diff(const CheckpointDiffOptions& options, Context& context);

}  // namespace r1::cli
