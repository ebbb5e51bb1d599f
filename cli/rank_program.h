// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace r1::cli {

/// $R1CTL_RANK, or r1ctl-rank beside this program, or ../libexec/r1ctl/r1ctl-rank. Throws Error
/// (kScheduler) that lists where it was looked for.
std::filesystem::path find_rank_program();

}  // namespace r1::cli
