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
struct SampleOptions {
    std::string run;
    std::string prompt;
    std::filesystem::path runs;
    std::optional<std::int64_t> step;
    std::optional<std::int64_t> count;
    std::optional<double> temperature;
    std::optional<std::int64_t> max_new_tokens;
    std::optional<std::uint64_t> seed;
    bool json = false;
};

void add_sample(CLI::App& app, Context& context);  // flags only
int run_sample(const SampleOptions& options, Context& context);

}  // namespace r1::cli
