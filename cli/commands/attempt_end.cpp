// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>

#include "checkpoint/checkpoint.h"
#include "cli/commands/attempt.h"
#include "cli/failure.h"
#include "cli/report.h"
#include "cli/submitting.h"
#include "common/error.h"
#include "common/json.h"
#include "common/time.h"
#include "slurm/cluster_facts.h"
#include "slurm/epilogue.h"
#include "slurm/slurm_text.h"

namespace r1::cli {

namespace {

constexpr std::int64_t kRequeueForMs = 900'000;  ///< how long a silent controller is asked again
constexpr auto kPause = std::chrono::seconds(5);

class Epilogue {
  public:
    Epilogue(const AttemptOptions& options, Context& context)
        : options_(options),
          context_(context),
          submission_(load_submission(RunDirectory(options.run))) {
        const auto attempt = read_attempt(run_, options.attempt);
        if (!attempt || !attempt->slurm)
            throw Error(ExitCode::kUsage, run_.run_id() + " has no attempt " +
                                              std::to_string(options.attempt) + " of a job");
        attempt_ = *attempt;
    }

    int end() {
        const EndFinding finding = find_ending(facts());
        const std::vector<std::int64_t> steps = list_checkpoints(run_.checkpoints());
        attempt_.end_ms = utc_milliseconds();
        attempt_.exit_code = finding.exit_code;
        attempt_.end_step = steps.empty() ? 0 : steps.back();
        attempt_.ending = finding.ending;
        attempt_.ending_detail = finding.detail;
        attempt_.bad_nodes = finding.bad_nodes;
        // One write tells of the end and of what comes next: a run must not look given up while
        // Slurm is asked about its nodes, which may take a minute.
        NextStep next = decide(0);
        attempt_.goes_on = next.goes_on;
        if (!next.why.empty())
            attempt_.ending_detail +=
                (attempt_.ending_detail.empty() ? "given up: " : "; given up: ") + next.why;
        write_attempt(run_, attempt_);
        if (next.goes_on != GoesOn::kNot) next = decide(spare_nodes());
        attempt_.goes_on = next.goes_on;
        write_attempt(run_, attempt_);
        try {
            report(next);
        } catch (const Error& error) {  // a report that fails must not keep the run from going on
            context_.err << error.what() << '\n';
        }
        if (next.goes_on == GoesOn::kNot) {
            // After a newer attempt of the run has begun, the jobs that wait are that one's.
            if (finding.ending != Ending::kNextJob && finding.ending != Ending::kSuperseded)
                cancel_waiting_jobs();
            return finding.exit_code;
        }
        go_on(next);
        return finding.exit_code;
    }

  private:
    EndFacts facts() const {
        EndFacts facts;
        try {
            facts.outcome = read_outcome(run_, attempt_.number);
        } catch (const Error& error) {
            context_.err << error.what() << '\n';
        }
        facts.errors = errors_by_time(run_, attempt_.number);
        facts.status = options_.status;
        facts.cancelled = cancel_requested(run_);
        facts.signalled = options_.signalled;
        facts.superseded = run_.newest_attempt() > attempt_.number;
        if (attempt_.deadline_ms) facts.left_ms = *attempt_.deadline_ms - utc_milliseconds();
        facts.log = end_of_log(run_.attempt_log(attempt_.number));
        if (!facts.outcome && facts.errors.empty() && read_ranks(run_, attempt_.number).empty())
            facts.unfit_nodes = unfit_nodes();
        return facts;
    }

    /// Nodes whose prologue said that they cannot start ranks, or that said nothing where others
    /// did.
    std::vector<std::pair<std::string, std::string>> unfit_nodes() const {
        std::vector<std::pair<std::string, std::string>> unfit;
        std::vector<std::string> silent;
        const std::vector<std::string>& nodes = attempt_.slurm->nodes;
        for (const std::string& node : nodes) {
            const auto record = read_record(run_.attempt_node(attempt_.number, node), 1);
            if (!record) silent.push_back(node);
            const std::string problem = record ? record->value("problem", "") : "";
            if (!problem.empty()) unfit.emplace_back(node, problem);
        }
        // Where a signal ended the prologue, silence says nothing.
        const bool cut_off = options_.signalled || options_.status >= 128;
        if (!cut_off && silent.size() < nodes.size())
            for (const std::string& node : silent)
                unfit.emplace_back(node, "it did not report; does it see the run's folder?");
        return unfit;
    }

    NextStep decide(std::int64_t spare_nodes) const {
        return decide_next(attempts(), submission_.recipe.resources, submission_.profile,
                           spare_nodes);
    }

    std::vector<AttemptRecord> attempts() const {
        std::vector<AttemptRecord> attempts;
        for (int number = 1; number < attempt_.number; ++number)
            if (const auto attempt = read_attempt(run_, number)) attempts.push_back(*attempt);
        attempts.push_back(attempt_);
        return attempts;
    }

    /// Asked only when a node is to be left out.
    std::int64_t spare_nodes() const {
        const std::vector<AttemptRecord> all = attempts();
        const bool bad = std::any_of(all.begin(), all.end(), [](const AttemptRecord& attempt) {
            return !attempt.bad_nodes.empty();
        });
        if (!bad) return 0;
        try {
            for (const PartitionFacts& partition : read_partitions(attempt_.slurm->partition))
                return partition.usable_nodes -
                       static_cast<std::int64_t>(attempt_.slurm->nodes.size());
        } catch (const Error& error) {
            context_.err << error.what() << '\n';
        }
        return 0;
    }

    void report(const NextStep& next) const {
        AttemptEnd end;
        end.attempt = attempt_.number;
        end.process.exit_code = options_.status;
        report_attempt(run_, end, context_);
        context_.err << "attempt " << attempt_.number << " ended: " << to_string(*attempt_.ending)
                     << (attempt_.ending_detail.empty() ? "" : ": ") << attempt_.ending_detail
                     << '\n';
        if (!next.why.empty()) context_.err << "the run is given up: " << next.why << '\n';
    }

    void go_on(const NextStep& next) {
        if (was_queued_again()) {
            context_.err << "Slurm has queued job " << attempt_.slurm->job << " again by itself\n";
            attempt_.goes_on = GoesOn::kRequeued;
            write_attempt(run_, attempt_);
            return;
        }
        if (next.goes_on == GoesOn::kRequeued && requeue()) return;
        try {
            SubmissionWishes wishes;
            wishes.excluded = next.excluded;
            const auto job = read_job(run_, attempt_.job);
            const auto jobs = submit_jobs(submission_, {plan_of(job.value())}, wishes, *scheduler_);
            attempt_.goes_on = GoesOn::kFollowUp;
            context_.err << "the run goes on as job " << *jobs.front().job << '\n';
        } catch (const Error& error) {
            attempt_.goes_on = GoesOn::kNot;
            attempt_.ending_detail +=
                "; it could not be queued again: " + std::string(error.what());
            context_.err << error.what() << '\n';
        }
        write_attempt(run_, attempt_);
    }

    /// After a node failure or a preemption this script may live on for a while. To requeue the
    /// job once more would end its next start; another job would be one too many.
    bool was_queued_again() const {
        try {
            for (const QueuedJob& job : scheduler_->queue())
                if (job.id.number == attempt_.slurm->job)
                    return job.state.phase == JobPhase::kWaiting ||
                           job.restarts > attempt_.slurm->restarts;
        } catch (const Error& error) {
            context_.err << error.what() << '\n';
        }
        return false;
    }

    /// False when Slurm refuses it, or stays silent until it is too late.
    bool requeue() {
        const std::int64_t give_up_ms =
            std::min(attempt_.deadline_ms.value_or(0), utc_milliseconds() + kRequeueForMs);
        context_.err << "the run goes on: job " << attempt_.slurm->job << " is queued again"
                     << std::endl;
        while (true) {
            try {
                scheduler_->requeue({attempt_.slurm->job, attempt_.slurm->cluster});
                return true;
            } catch (const Error& error) {
                context_.err << error.what() << std::endl;
                if (was_queued_again()) return true;
                if (!is_silence(error) || utc_milliseconds() > give_up_ms) return false;
            }
            std::this_thread::sleep_for(kPause);
        }
    }

    static bool is_silence(const Error& error) {
        const std::string text = error.what();
        return lost_controller(text) || text.find("did not answer") != std::string::npos;
    }

    /// Later stages' jobs have nothing to go on from.
    void cancel_waiting_jobs() {
        try {
            for (const QueuedJob& job : scheduler_->queue())
                if (job.name == run_.run_id() && job.state.phase == JobPhase::kWaiting &&
                    job.id.number != attempt_.slurm->job)
                    scheduler_->cancel(job.id);
        } catch (const Error& error) {
            context_.err << error.what() << '\n';
        }
    }

    const AttemptOptions& options_;
    Context& context_;
    Submission submission_;
    const RunDirectory& run_ = submission_.run;
    AttemptRecord attempt_;
    std::unique_ptr<Scheduler> scheduler_ = context_.make_scheduler();
};

}  // namespace

int run_attempt_end(const AttemptOptions& options, Context& context) {
    return Epilogue(options, context).end();
}

}  // namespace r1::cli
