// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "recipes/fill.h"
#include "slurm/profile_schema.h"

namespace r1 {

/// Adds every rule between keys of clusters.yaml that does not hold, naming both places.
void check_profile_rules(const ClusterFile& file, const Origins& origins, Problems& problems);

}  // namespace r1
