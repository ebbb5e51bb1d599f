// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/commands/checkpoint_target.h"
#include "cli/context.h"

namespace r1::cli {

struct CheckpointShowOptions : CheckpointOptions {
    std::optional<std::int64_t> step;  ///< otherwise the newest
    std::string tensor;                ///< only this one, with its pieces and values
};

void add_checkpoint_show(CLI::App& app, Context& context);  // flags only
int run_checkpoint_show(const CheckpointShowOptions& options, Context& context);

}  // namespace r1::cli
