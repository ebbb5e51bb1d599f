// SPDX-License-Identifier: Apache-2.0
#include "cli/runs_folder.h"

#include <cstdlib>

namespace r1::cli {

namespace {

std::string shell_quoted(const std::string& text) {
    const auto plain = [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("/._-+=:@%,").find(static_cast<char>(c)) != std::string_view::npos;
    };
    bool quote = text.empty();
    std::string quoted = "'";
    for (const char c : text) {
        quote = quote || !plain(static_cast<unsigned char>(c));
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return quote ? quoted + "'" : text;
}

bool is_in_default_folder(const RunDirectory& run) {
    std::error_code ignored;
    const auto own = std::filesystem::weakly_canonical(run.root(), ignored).parent_path();
    return own == std::filesystem::weakly_canonical(default_runs_folder(), ignored);
}

}  // namespace

std::filesystem::path default_runs_folder() {
    const char* folder = std::getenv("R1CTL_RUNS");
    return folder != nullptr && *folder != '\0' ? folder : "runs";
}

std::string next_command(std::string_view verb, const RunDirectory& run) {
    const std::string name = is_in_default_folder(run) ? run.run_id() : run.root().string();
    return "r1ctl " + std::string(verb) + " " + shell_quoted(name);
}

}  // namespace r1::cli
