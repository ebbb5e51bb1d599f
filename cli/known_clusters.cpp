// SPDX-License-Identifier: Apache-2.0
#include "cli/known_clusters.h"

#include "common/error.h"

namespace r1::cli {

std::vector<ClusterProfile> known_clusters() {
    const auto files = profile_files();
    if (files.empty())
        throw Error(ExitCode::kUsage,
                    "no cluster file; write one from what Slurm says, and look at it:\n"
                    "  next: mkdir -p ~/.config/r1ctl && r1ctl doctor --profile > "
                    "~/.config/r1ctl/clusters.yaml");
    return load_profiles(files);
}

}  // namespace r1::cli
