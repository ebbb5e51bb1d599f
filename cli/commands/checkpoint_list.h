// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/commands/checkpoint_target.h"
#include "cli/context.h"

namespace r1::cli {

struct CheckpointListOptions : CheckpointOptions {
    std::string metric;  ///< its values get a column
};

void add_checkpoint_list(CLI::App& app, Context& context);  // flags only
int run_checkpoint_list(const CheckpointListOptions& options, Context& context);

}  // namespace r1::cli
