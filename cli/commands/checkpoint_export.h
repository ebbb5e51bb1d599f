// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cli/commands/checkpoint_target.h"
#include "cli/context.h"

namespace r1::cli {

struct CheckpointExportOptions : CheckpointOptions {
    std::optional<std::int64_t> step;  ///< otherwise the newest
    std::filesystem::path to;
    std::string prefix = "model/";
    std::string type;  ///< "float32", "bfloat16", or empty: as they are
    bool force = false;
};

void add_checkpoint_export(CLI::App& app, Context& context);  // flags only
int run_checkpoint_export(const CheckpointExportOptions& options, Context& context);

}  // namespace r1::cli
