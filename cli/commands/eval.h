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

/// Absent fields are left to the recipe.
struct EvalOptions {
    std::string run;
    std::filesystem::path runs;
    std::optional<std::int64_t> step;
    std::optional<std::int64_t> prompts;
    std::optional<std::int64_t> samples;
    std::optional<std::int64_t> k;
    std::optional<double> temperature;
    bool json = false;
};

void add_eval(CLI::App& app, Context& context);  // flags only
int run_eval(const EvalOptions& options, Context& context);

}  // namespace r1::cli
