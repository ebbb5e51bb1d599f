// SPDX-License-Identifier: Apache-2.0
// The tables of clusters.yaml, made of the rows and lists that recipes are made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "recipes/schema.h"
#include "slurm/profile.h"

namespace r1 {

/// A whole file.
struct ClusterFile {
    std::vector<ClusterProfile> clusters;
};

/// Parent objects are ClusterFile.
const FileForm& cluster_form();

}  // namespace r1
