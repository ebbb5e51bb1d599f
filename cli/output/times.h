// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace r1::cli {

/// "14:05 CET", with the date where it is not today's: "Mon 23 Nov 09:30 CET". In the user's zone.
std::string local_time(std::int64_t seconds, std::int64_t now_s);

/// "14:05 CET (in 2h10m)"; "14:05 CET (now due)" for what should have been.
std::string expected_time(std::int64_t seconds, std::int64_t now_s);

/// "node[1-2,4]", "gpu-a,gpu-b": as Slurm writes lists of nodes.
std::string folded_nodes(const std::vector<std::string>& nodes);

}  // namespace r1::cli
