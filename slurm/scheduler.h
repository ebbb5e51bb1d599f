// SPDX-License-Identifier: Apache-2.0
// The queue of a cluster. The one implementation talks to Slurm's commands: text with explicit
// formats, never JSON; no shell; a clean environment; a limit of time on every call.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slurm/job_state.h"

namespace r1 {

/// "123", or on a federation of clusters "123;east".
struct JobId {
    std::int64_t number = 0;
    std::string cluster;  ///< empty: the default one
    friend bool operator==(const JobId&, const JobId&) = default;
};
std::string to_string(const JobId& id);

/// What to queue. `name` is the run's id and `comment` is unique for ever to this one submission:
/// by them a job is found again when sbatch timed out after the controller had accepted it.
struct JobRequest {
    std::vector<std::string> options;  ///< of sbatch, without the name and the comment
    std::filesystem::path script;
    std::string name;
    std::string comment;
};

/// A job that the controller still knows.
struct QueuedJob {
    JobId id;
    std::string name;
    std::string comment;
    JobState state;
    std::string reason;  ///< why it waits: "Priority", "Resources"; "" or "None" when it does not
    std::string partition;
    std::string nodes;  ///< a node list, "node[1-4]"; empty while it waits
    std::int64_t restarts = 0;
    std::optional<std::int64_t> submit_s;  ///< seconds since 1970 by the controller's clock
    std::optional<std::int64_t> start_s;   ///< when it started, or is expected to
    std::optional<std::int64_t> end_s;
    std::optional<std::int64_t> left_s;  ///< until the time limit, by the controller's own clock
};

/// One run of a job as the accounting keeps it; a requeued job has one for each start.
struct PastJob {
    JobId id;
    std::string name;
    std::string comment;
    JobState state;
    std::string exit_code;  ///< "1:0", the code and the signal of the script
    std::string partition;
    std::string nodes;
    std::string allocated;  ///< AllocTRES: "billing=8,cpu=8,gres/gpu=8,node=1"
    std::optional<std::int64_t> submit_s;
    std::optional<std::int64_t> start_s;
    std::optional<std::int64_t> end_s;
    std::int64_t suspended_s = 0;
    std::string user;
    std::string account;
};

/// What a job is asked for before it is queued for hours.
struct Forecast {
    bool accepted = false;
    std::string message;  ///< Slurm's own words: when it would start and where, or why it may not
};

/// Throws Error (kScheduler) with the command's own words when a command fails, is missing, or does
/// not answer within the limit of time.
class Scheduler {
  public:
    virtual ~Scheduler() = default;

    /// Queues the job exactly once. After an error that leaves it open whether the controller took
    /// the job, it is looked for by name and comment before it is given up or tried again.
    virtual JobId submit(const JobRequest& request) = 0;
    /// sbatch --test-only: validates, and queues nothing. The script may be left out.
    virtual Forecast forecast(const JobRequest& request) = 0;

    /// Every job of this user that the controller knows, in one call.
    virtual std::vector<QueuedJob> queue() = 0;
    /// Every start of these jobs since `since_s`, oldest first, in one call. nullopt where there is
    /// no accounting, or it does not answer: nothing is known then, which is not "nothing ran".
    virtual std::optional<std::vector<PastJob>> history(const std::vector<std::int64_t>& jobs,
                                                        std::int64_t since_s) = 0;

    /// A signal to the ranks of a running job: to its steps, not to its batch script.
    virtual void signal_ranks(const JobId& id, const std::string& signal) = 0;
    virtual void cancel(const JobId& id) = 0;
    /// Queues a running job again under its own id. Ends the caller when it is part of that job.
    virtual void requeue(const JobId& id) = 0;
};

struct SlurmOptions {
    std::chrono::seconds limit{60};  ///< of one command
    int tries = 3;                   ///< of sbatch, when it is certain that nothing was queued
    /// One look at the queue after each, when sbatch left it open whether it queued the job.
    std::vector<std::chrono::milliseconds> pauses = {
        std::chrono::seconds{1}, std::chrono::seconds{3}, std::chrono::seconds{6},
        std::chrono::seconds{10}};
    /// Whose jobs queue() and history() show, "east,west"; empty: the default cluster's, and then
    /// their ids name no cluster.
    std::string clusters{};
};
std::unique_ptr<Scheduler> make_slurm_scheduler(const SlurmOptions& options = {});

/// Names in this process's environment that would change what sbatch or srun does, "SBATCH_QOS".
/// They are kept from Slurm's commands; a caller tells the user.
std::vector<std::string> foreign_slurm_variables();

}  // namespace r1
