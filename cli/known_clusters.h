// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "slurm/profile.h"

namespace r1::cli {

/// The clusters of the cluster files. Throws Error (kUsage) with the command that writes one when
/// there is none.
std::vector<ClusterProfile> known_clusters();

}  // namespace r1::cli
