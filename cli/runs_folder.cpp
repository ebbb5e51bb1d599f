// SPDX-License-Identifier: Apache-2.0
#include "cli/runs_folder.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "slurm/job_script.h"

namespace r1::cli {

namespace {

bool is_in_default_folder(const RunDirectory& run) {
    std::error_code ignored;
    const auto own = std::filesystem::weakly_canonical(run.root(), ignored).parent_path();
    return own == std::filesystem::weakly_canonical(default_runs_folder(), ignored);
}

}  // namespace

std::string as_argument(const std::string& text) {
    const auto plain = [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("/._-+=:@%,").find(static_cast<char>(c)) != std::string_view::npos;
    };
    const bool bare = !text.empty() && std::all_of(text.begin(), text.end(), plain);
    return bare ? text : shell_quoted(text);
}

std::filesystem::path default_runs_folder() {
    const char* folder = std::getenv("R1CTL_RUNS");
    return folder != nullptr && *folder != '\0' ? folder : "runs";
}

std::string next_command(std::string_view verb, const RunDirectory& run) {
    const std::string name = is_in_default_folder(run) ? run.run_id() : run.root().string();
    return "r1ctl " + std::string(verb) + " " + as_argument(name);
}

}  // namespace r1::cli
