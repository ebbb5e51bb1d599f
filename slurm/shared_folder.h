// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace r1 {

/// Whether the nodes of a cluster may see the path: it lies in one of `shared_folders`, or on a
/// file system that is not bound to this machine. A path that does not exist yet is judged by the
/// folder in which it would be made.
bool nodes_may_see(const std::filesystem::path& path,
                   const std::vector<std::string>& shared_folders);

}  // namespace r1
