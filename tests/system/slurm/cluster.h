// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/common/temporary_folder.h"

namespace r1 {

/// Why no throw-away cluster can be brought up here; empty when one can.
std::string why_no_cluster();

/// A real Slurm cluster (tests/cluster). Its environment is this process's, and so that of every
/// r1ctl that a test starts. It goes when this process does, however that ends.
class Cluster {
  public:
    explicit Cluster(const std::vector<std::string>& options = {});
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;
    ~Cluster();

    /// {"fail-node", "node2"}. Throws when it fails.
    void act(std::vector<std::string> words) const;
    /// Every job of r1ctl takes whole nodes from now on.
    void give_whole_nodes() const;

  private:
    std::filesystem::path place() const { return folder_ / "c"; }
    TemporaryFolder folder_;
};

/// What one of Slurm's commands printed on stdout and stderr. Throws when it fails, or has not
/// answered in a minute.
std::string slurm(std::vector<std::string> words);
/// The same, but for a failure there is what it printed.
std::string slurm_or_words(std::vector<std::string> words);

/// One start of a job, as the accounting has it.
struct JobStart {
    std::int64_t job = 0;
    std::string state;
    std::string tres;
    std::int64_t start_s = 0;
    std::int64_t end_s = 0;  ///< 0: not yet
    std::int64_t elapsed_s = 0;
};
/// Those of every job of one name, by their start. Jobs that never started are left out.
std::vector<JobStart> allocations(const std::string& name);
/// Once none of them runs any more; the accounting hears of an end a moment later than the queue.
std::vector<JobStart> ended_allocations(const std::string& name);

/// The jobs of one name that wait or run, as squeue's lines "12 PENDING Dependency".
std::vector<std::string> queue_of(const std::string& name);

/// What each node list says: all nodes answer, and none is drained, within `seconds`.
void wait_for_idle_nodes(int nodes, double seconds);

}  // namespace r1
