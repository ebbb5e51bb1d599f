// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <string_view>

#include "common/error.h"
#include "common/text.h"
#include "slurm/scheduler.h"
#include "slurm/slurm_command.h"
#include "slurm/slurm_queue.h"
#include "slurm/slurm_submit.h"
#include "slurm/slurm_text.h"

namespace r1 {

namespace {

class SlurmScheduler final : public Scheduler {
  public:
    explicit SlurmScheduler(const SlurmOptions& options) : options_(options) {}

    JobId submit(const JobRequest& request) override { return submit_once(options_, request); }

    Forecast forecast(const JobRequest& request) override {
        const SlurmAnswer answer =
            ask_slurm(sbatch_arguments(request, "--test-only"), options_.limit);
        const Captured& captured = answer.captured;
        const bool verdict = !lost_controller(captured.errors) &&
                             (captured.errors.find("allocation failure") != std::string::npos ||
                              is_refusal(captured.errors));
        // The controller could not be asked, which says nothing about the job.
        if (!answer.ok() && !verdict) throw Error(ExitCode::kScheduler, answer.failure());
        return {answer.ok(), slurm_words(captured.errors)};
    }

    std::vector<QueuedJob> queue() override { return ask_queue(options_, options_.clusters); }

    std::optional<std::vector<PastJob>> history(const std::vector<std::int64_t>& jobs,
                                                std::int64_t since_s) override {
        std::vector<std::int64_t> ids = jobs;
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        std::vector<PastJob> records;
        // One call, but for lists that would not fit into a command line.
        constexpr std::size_t kMost = 5000;
        for (std::size_t first = 0; first < ids.size(); first += kMost) {
            std::string list;
            for (std::size_t i = first; i < std::min(first + kMost, ids.size()); ++i)
                list += (list.empty() ? "" : ",") + std::to_string(ids[i]);
            auto some = ask_history(options_, options_.clusters, {"--jobs=" + list}, since_s);
            if (!some) return std::nullopt;
            records.insert(records.end(), std::make_move_iterator(some->begin()),
                           std::make_move_iterator(some->end()));
        }
        return records;
    }

    void signal_ranks(const JobId& id, const std::string& signal) override {
        // Without a state scancel waits about a minute for a waiting job to run, and then says
        // nothing; with one it skips that job, and says so only when it is verbose.
        const SlurmAnswer answer = ask_slurm(
            arguments_for(
                "scancel", id,
                {"--verbose", "--state=RUNNING", "--signal=" + signal, std::to_string(id.number)}),
            options_.limit);
        for (const std::string_view idle : {"No active jobs match", "Invalid job id specified",
                                            "already completing or completed"})
            if (answer.captured.errors.find(idle) != std::string::npos)
                throw Error(ExitCode::kScheduler,
                            "job " + to_string(id) + " is not running: it has no ranks to signal");
        check(id, answer);
    }

    void cancel(const JobId& id) override { cancel_job(options_, id); }

    void requeue(const JobId& id) override {
        call_for("scontrol", id, {"requeue", std::to_string(id.number)});
    }

  private:
    static std::vector<std::string> arguments_for(const std::string& command, const JobId& id,
                                                  const std::vector<std::string>& rest) {
        std::vector<std::string> arguments{command};
        if (!id.cluster.empty()) arguments.push_back("--clusters=" + id.cluster);
        arguments.insert(arguments.end(), rest.begin(), rest.end());
        return arguments;
    }

    static void check(const JobId& id, const SlurmAnswer& answer) {
        if (!answer.did_it())
            throw Error(ExitCode::kScheduler, "job " + to_string(id) + ": " + answer.failure());
    }

    void call_for(const std::string& command, const JobId& id,
                  const std::vector<std::string>& rest) const {
        check(id, ask_slurm(arguments_for(command, id, rest), options_.limit));
    }

    SlurmOptions options_;
};

}  // namespace

std::string to_string(const JobId& id) {
    return std::to_string(id.number) + (id.cluster.empty() ? "" : ";" + id.cluster);
}

std::unique_ptr<Scheduler> make_slurm_scheduler(const SlurmOptions& options) {
    return std::make_unique<SlurmScheduler>(options);
}

}  // namespace r1
