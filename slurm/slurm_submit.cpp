// SPDX-License-Identifier: Apache-2.0
#include "slurm/slurm_submit.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <thread>

#include "common/error.h"
#include "common/text.h"
#include "common/time.h"
#include "slurm/slurm_command.h"
#include "slurm/slurm_queue.h"
#include "slurm/slurm_text.h"

namespace r1 {

namespace {

/// The clusters that the request's own options choose: the job is looked for where it was sent.
std::string clusters_of(const JobRequest& request, const std::string& fallback) {
    std::string clusters = fallback;
    for (std::size_t i = 0; i < request.options.size(); ++i) {
        const std::string& option = request.options[i];
        const std::size_t equals = option.find('=');
        const bool has_next = i + 1 < request.options.size();
        if (option.starts_with("--cluster") && equals != std::string::npos)
            clusters = option.substr(equals + 1);
        else if (option.starts_with("-M") && option.size() > 2)
            clusters = option.substr(2);
        else if ((option == "-M" || option == "--clusters" || option == "--cluster") && has_next)
            clusters = request.options[i + 1];
    }
    return clusters;
}

/// One submission, which sbatch may leave open.
class OneJob {
  public:
    OneJob(const SlurmOptions& options, const JobRequest& request)
        : options_(options),
          request_(request),
          clusters_(clusters_of(request, options.clusters)),
          began_s_(utc_milliseconds() / 1000) {}

    JobId submit() {
        std::string failure;
        for (int attempt = 1; attempt <= std::max(options_.tries, 1); ++attempt) {
            const SlurmAnswer answer =
                ask_slurm(sbatch_arguments(request_, "--parsable"), options_.limit);
            const std::optional<JobId> id = parse_submitted(answer.captured.output);
            if (answer.ok() && id) return attempt == 1 ? *id : only_one(*id);
            failure = answer.ok() ? "sbatch answered '" + printable(answer.captured.output) + "'"
                                  : answer.failure();
            // A refusal says nothing of an attempt before it, which may have come in late.
            if (is_refused(answer) && attempt == 1) throw_refused(failure);
            if (const std::optional<JobId> found = find(failure)) return *found;
            if (is_refused(answer)) throw_refused(failure);
            // It said yes, and the job is not to be seen: a second one would be a guess.
            if (answer.ok()) throw_open(failure, "the job is not in the queue");
        }
        throw Error(ExitCode::kScheduler, "job '" + request_.name + "' was not queued, in " +
                                              std::to_string(options_.tries) +
                                              " tries: " + failure);
    }

  private:
    static bool is_refused(const SlurmAnswer& answer) {
        return !answer.ok() && !answer.captured.timed_out && is_refusal(answer.captured.errors);
    }

    [[noreturn]] void throw_refused(const std::string& failure) const {
        throw Error(ExitCode::kScheduler, "the job '" + request_.name +
                                              "' was refused, and nothing was queued: " + failure);
    }

    [[noreturn]] void throw_open(const std::string& failure, const std::string& why) const {
        throw Error(ExitCode::kScheduler,
                    "it is not known whether job '" + request_.name + "' was queued: " + failure +
                        "; " + why + ". Before another try look for the comment '" +
                        request_.comment +
                        "' with: squeue --me --states=all --Format=JobID,State,Comment:100");
    }

    /// This very submission. Of a job that it refuses the controller keeps a record for a while,
    /// FAILED and without nodes: that was not queued.
    template <class Job>
    bool is_this(const Job& job) const {
        const bool refused = job.state.end == JobEnd::kFailed && job.nodes.empty();
        return job.name == request_.name && job.comment == request_.comment && !refused;
    }

    /// This submission's jobs in the queue, the oldest first.
    std::vector<QueuedJob> look() const {
        std::vector<QueuedJob> jobs = ask_queue(options_, clusters_);
        std::erase_if(jobs, [&](const QueuedJob& job) { return !is_this(job); });
        std::sort(jobs.begin(), jobs.end(), [](const QueuedJob& a, const QueuedJob& b) {
            return std::pair(a.submit_s.value_or(0), a.id.number) <
                   std::pair(b.submit_s.value_or(0), b.id.number);
        });
        return jobs;
    }

    /// The job, if the controller took it after all; nullopt when it is certain enough that it did
    /// not. A request that was on its way when sbatch gave up may be taken later, so that one look
    /// is not enough.
    std::optional<JobId> find(const std::string& failure) const {
        std::string blind = "the queue was not asked";
        std::vector<QueuedJob> seen;
        std::size_t answers = 0;
        for (const std::chrono::milliseconds pause : options_.pauses) {
            std::this_thread::sleep_for(pause);
            try {
                seen = look();
                ++answers;
                blind.clear();
            } catch (const Error& e) {
                blind = e.what();
            }
            if (!seen.empty()) return keep_oldest(seen);
        }
        if (blind.empty() && answers < std::min<std::size_t>(2, options_.pauses.size()))
            blind = "the queue answered only once";
        if (!blind.empty()) throw_open(failure, blind);
        return find_in_history(failure);
    }

    /// A job that ended at once, where the controller forgets such jobs sooner than we look.
    std::optional<JobId> find_in_history(const std::string& failure) const {
        std::optional<std::vector<PastJob>> jobs;
        try {
            jobs = ask_history(options_, clusters_,
                               {"--user=" + slurm_user(), "--name=" + request_.name}, began_s_);
        } catch (const Error& e) {
            throw_open(failure, e.what());
        }
        if (!jobs) return std::nullopt;
        std::vector<QueuedJob> queue;
        for (const PastJob& job : *jobs) {
            if (is_this(job)) return job.id;
            // Most sites do not keep comments. The same name is another job of the same run when
            // the queue shows it, and may be ours when it does not.
            if (job.name != request_.name || !job.comment.empty()) continue;
            if (queue.empty()) queue = ask_queue(options_, clusters_);
            const bool is_other =
                std::any_of(queue.begin(), queue.end(), [&](const QueuedJob& queued) {
                    return queued.id.number == job.id.number && queued.comment != request_.comment;
                });
            if (!is_other)
                throw_open(failure, "job " + to_string(job.id) +
                                        " has its name, and the accounting keeps no comments");
        }
        return std::nullopt;
    }

    /// After a retry that succeeded: the try before it may have come in as well, late.
    JobId only_one(const JobId& id) const {
        for (const std::chrono::milliseconds pause : options_.pauses) {
            std::this_thread::sleep_for(pause);
            try {
                const std::vector<QueuedJob> seen = look();
                if (seen.size() > 1) return keep_oldest(seen);
            } catch (const Error&) {
                // Nothing was there before the retry; the next look may answer.
            }
        }
        return id;
    }

    JobId keep_oldest(const std::vector<QueuedJob>& jobs) const {
        for (std::size_t i = 1; i < jobs.size(); ++i) {
            if (jobs[i].state.phase == JobPhase::kEnded) continue;
            try {
                cancel_job(options_, jobs[i].id);
            } catch (const Error& e) {
                throw Error(ExitCode::kScheduler,
                            "job '" + request_.name +
                                "' was queued twice, and the second one stays: " + e.what() +
                                ". Keep " + to_string(jobs[0].id) + " and type: scancel " +
                                to_string(jobs[i].id));
            }
        }
        return jobs.front().id;
    }

    const SlurmOptions& options_;
    const JobRequest& request_;
    std::string clusters_;
    std::int64_t began_s_;
};

}  // namespace

std::vector<std::string> sbatch_arguments(const JobRequest& request, const std::string& mode) {
    std::vector<std::string> arguments{"sbatch", mode, "--job-name=" + request.name,
                                       "--comment=" + request.comment};
    arguments.insert(arguments.end(), request.options.begin(), request.options.end());
    arguments.push_back(request.script.empty() ? "--wrap=:" : request.script.string());
    return arguments;
}

void cancel_job(const SlurmOptions& options, const JobId& id) {
    std::vector<std::string> arguments{"scancel"};
    if (!id.cluster.empty()) arguments.push_back("--clusters=" + id.cluster);
    arguments.push_back(std::to_string(id.number));
    const SlurmAnswer answer = ask_slurm(arguments, options.limit);
    for (const std::string_view gone :
         {"Invalid job id specified", "already completing or completed"})
        if (answer.captured.errors.find(gone) != std::string::npos) return;
    if (!answer.did_it()) throw Error(ExitCode::kScheduler, answer.failure());
}

JobId submit_once(const SlurmOptions& options, const JobRequest& request) {
    return OneJob(options, request).submit();
}

}  // namespace r1
