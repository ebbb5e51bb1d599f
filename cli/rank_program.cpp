// SPDX-License-Identifier: Apache-2.0
#include "cli/rank_program.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "common/error.h"

namespace r1::cli {

std::filesystem::path find_rank_program() {
    const char* named = std::getenv("R1CTL_RANK");
    if (named != nullptr && *named != '\0') {
        if (::access(named, X_OK) == 0) return std::filesystem::absolute(named);
        throw Error(ExitCode::kScheduler,
                    "$R1CTL_RANK names '" + std::string(named) + "', which cannot be executed");
    }
    std::error_code ignored;
    const auto here = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    const std::filesystem::path places[] = {
        here / "r1ctl-rank", here.parent_path() / "libexec" / "r1ctl" / "r1ctl-rank"};
    for (const auto& place : places)
        if (::access(place.c_str(), X_OK) == 0) return place;
    throw Error(ExitCode::kScheduler, "the rank program is neither '" + places[0].string() +
                                          "' nor '" + places[1].string() +
                                          "'; install it there, or name it in $R1CTL_RANK");
}

}  // namespace r1::cli
