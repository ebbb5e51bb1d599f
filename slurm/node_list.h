// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace r1 {

/// The nodes of Slurm's short form, in its order: "gpu[01-03,7],login" is gpu01 gpu02 gpu03 gpu7
/// login; several brackets in a name are nested loops. Throws Error (kScheduler) on another form
/// and on more than 65536 nodes.
std::vector<std::string> expand_node_list(std::string_view list);

}  // namespace r1
