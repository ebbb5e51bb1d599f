// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/context.h"
#include "slurm/cluster_facts.h"

namespace CLI {
class App;
}

namespace r1::cli {

struct DoctorOptions {
    std::filesystem::path runs;
    bool profile = false;
    bool json = false;
};

void add_doctor(CLI::App& app, Context& context);  // flags only
/// Returns 0 whatever is missing: it is a report. With `profile` it prints a clusters.yaml made
/// from what Slurm says, and throws Error (kScheduler) when Slurm does not say it.
int run_doctor(const DoctorOptions& options, Context& context);

/// A clusters.yaml that loads: partitions with their GPUs, cores, nodes and time limits, and a line
/// for each price to fill in. `config` is `scontrol show config`.
std::string profile_text(const std::vector<PartitionFacts>& partitions,
                         const std::map<std::string, std::string>& config,
                         const std::vector<std::string>& mpi_plugins);

}  // namespace r1::cli
