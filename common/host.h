// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace r1 {

/// This host's name as the system gives it: what process numbers belong to.
std::string host_name();
/// The name by which people and Slurm call this node: Slurm's where it started this process, which
/// need not be the host's, otherwise the host's.
std::string node_name();
/// Of the effective user; its number where the host knows no name for it.
std::string user_name();

}  // namespace r1
