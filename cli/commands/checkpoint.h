// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace r1::cli {

struct CheckpointOptions {
    std::string run;
    std::filesystem::path runs;
    std::optional<std::int64_t> step;  ///< verify: only this one
    bool json = false;
};

void add_checkpoint(CLI::App& app, Context& context);  // flags only
int run_checkpoint_list(const CheckpointOptions& options, Context& context);
/// Reads every byte. Returns 5 when a checkpoint does not verify.
int run_checkpoint_verify(const CheckpointOptions& options, Context& context);

}  // namespace r1::cli
