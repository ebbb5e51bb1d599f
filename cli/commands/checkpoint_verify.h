// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "cli/commands/checkpoint_target.h"
#include "cli/context.h"

namespace r1::cli {

struct CheckpointVerifyOptions : CheckpointOptions {
    std::optional<std::int64_t> step;  ///< only this one
};

void add_checkpoint_verify(CLI::App& app, Context& context);  // flags only
/// Reads every byte. Returns 5 when a checkpoint does not verify.
int run_checkpoint_verify(const CheckpointVerifyOptions& options, Context& context);

}  // namespace r1::cli
