// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/attempt.h"
#include "checkpoint/run_directory.h"
#include "tests/common/temporary_folder.h"
#include "tests/system/r1ctl.h"

namespace r1 {

inline constexpr int kClusterSftSteps = 60;
inline constexpr int kClusterSteps = 100;

/// small_recipe() of 60 and 40 steps, one rank on each of two nodes.
std::string cluster_recipe();

/// Runs one r1ctl command to its end. Throws when it has not ended after `seconds`.
Transcript r1ctl_within(double seconds, const std::filesystem::path& folder,
                        std::vector<std::string> arguments);

/// One run on the cluster. Every wait has a limit, and throws when it is over. When the test has
/// failed by the end, all that is known of the run is printed.
class SubmittedRun {
  public:
    /// Not queued yet: the test does it with submit_words().
    struct NotYet {};
    SubmittedRun(NotYet, const std::string& recipe);
    /// Queues it. Throws when that fails.
    explicit SubmittedRun(const std::string& recipe = cluster_recipe(),
                          const std::vector<std::string>& options = {});
    SubmittedRun(const SubmittedRun&) = delete;
    SubmittedRun& operator=(const SubmittedRun&) = delete;
    ~SubmittedRun();

    const std::filesystem::path& folder() const { return folder_.path(); }
    std::vector<std::string> submit_words(const std::vector<std::string>& options = {}) const;
    RunDirectory run() const;
    std::string id() const { return run().run_id(); }

    /// {"status"} is `r1ctl status RUN`.
    Transcript call(std::vector<std::string> words, double seconds = 60) const;
    R1ctl begin(std::vector<std::string> words) const;

    /// Slurm's id of the newest job that was queued.
    std::int64_t job() const;
    /// Number and record of the newest attempt; throws when there is none.
    AttemptRecord attempt() const;
    /// The process of a rank of an attempt.
    pid_t rank(int attempt, int rank) const;

    /// Stops its ranks where they are: how long a run is in its midst must not depend on how busy
    /// the machine is. What Slurm ends, it lets go on first.
    void freeze() const;
    void thaw() const;

    /// Until this step was trained.
    void wait_for_step(std::int64_t step, double seconds = 90) const;
    /// Until the attempt's ranks are up.
    void wait_for_ranks(int attempt, double seconds = 90) const;
    void wait_for(const std::string& what, const std::function<bool()>& holds,
                  double seconds) const;

    /// `r1ctl wait` says it is completed, and its jobs are gone and were there one at a time.
    void expect_completed(double seconds = 150) const;
    /// It also has the bits of the run that nobody touched.
    void expect_untouched_end(double seconds = 150) const;
    void expect_untouched_results() const;
    void expect_one_job_at_a_time() const;

  private:
    std::string story() const;
    TemporaryFolder folder_;
};

/// The untouched run of `recipe` on this machine; made once.
const RunDirectory& untouched(const std::string& recipe);

/// Does the parts at once, each in a thread.
void at_once(const std::vector<std::pair<std::string, std::function<void()>>>& parts);

}  // namespace r1
