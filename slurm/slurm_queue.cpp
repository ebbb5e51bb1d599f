// SPDX-License-Identifier: Apache-2.0
#include "slurm/slurm_queue.h"

#include <unistd.h>

#include "common/error.h"
#include "slurm/slurm_command.h"
#include "slurm/slurm_text.h"

namespace r1 {

// The number, not a name: on a node without the site's directory of users there is no name.
std::string slurm_user() {
    return std::to_string(::geteuid());
}

std::vector<QueuedJob> ask_queue(const SlurmOptions& options, const std::string& clusters) {
    std::vector<std::string> arguments{"squeue", "--noheader", "--user=" + slurm_user(),
                                       "--states=all", "--Format=" + queue_format()};
    if (!clusters.empty()) arguments.push_back("--clusters=" + clusters);
    return parse_queue(call_slurm(arguments, options.limit, SlurmClock::kEpoch).captured.output);
}

std::optional<std::vector<PastJob>> ask_history(const SlurmOptions& options,
                                                const std::string& clusters,
                                                const std::vector<std::string>& selection,
                                                std::int64_t since_s) {
    constexpr std::int64_t kClocksDiffer_s = 60;
    const std::int64_t from_s = since_s - kClocksDiffer_s;
    // Without a start sacct begins at midnight, and with --jobs alone in 1970, which sites forbid.
    // The end is tomorrow, for a controller whose clock is ahead of this one.
    std::vector<std::string> arguments{"sacct",
                                       "--duplicates",
                                       "--allocations",
                                       "--noheader",
                                       "--parsable2",
                                       "--delimiter=" + history_delimiter(),
                                       "--starttime=" + slurm_utc_text(from_s),
                                       "--endtime=now+1days",
                                       "--format=" + history_format()};
    arguments.insert(arguments.end(), selection.begin(), selection.end());
    if (!clusters.empty()) arguments.push_back("--clusters=" + clusters);
    const SlurmAnswer answer = ask_slurm(arguments, options.limit, SlurmClock::kEpoch);
    if (answer.captured.timed_out || lacks_accounting(answer.captured.errors)) return std::nullopt;
    if (!answer.ok()) throw Error(ExitCode::kScheduler, answer.failure());
    std::vector<PastJob> jobs = parse_history(answer.captured.output);
    std::erase_if(jobs,
                  [from_s](const PastJob& job) { return job.submit_s.value_or(from_s) < from_s; });
    for (PastJob& job : jobs)
        if (clusters.empty()) job.id.cluster.clear();
    return jobs;
}

}  // namespace r1
