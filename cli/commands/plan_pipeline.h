// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "cli/context.h"

namespace r1::cli {

/// Whether `plan` was given a pipeline file and not a recipe.
bool is_pipeline(const std::filesystem::path& path);

/// `plan` of a pipeline: its published cost, exactly, and what the performance model says of it.
int plan_pipeline(const std::filesystem::path& path, bool json, Context& context);

}  // namespace r1::cli
