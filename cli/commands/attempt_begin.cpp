// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <ostream>
#include <thread>

#include "checkpoint/checkpoint.h"
#include "cli/budgets.h"
#include "cli/commands/attempt.h"
#include "cli/slurm_environment.h"
#include "cli/submitting.h"
#include "common/error.h"
#include "common/time.h"
#include "recipes/load.h"
#include "slurm/node_list.h"
#include "slurm/run_view.h"

namespace r1::cli {

namespace {

constexpr int kLooks = 20;
constexpr auto kPause = std::chrono::seconds(15);

class Beginning {
  public:
    Beginning(const AttemptOptions& options, Context& context)
        : run_(options.run), shell_(options.shell), context_(context), job_(claim(options.job)) {
        try {
            queue_ = scheduler_->queue();
        } catch (const Error& error) {
            context_.err << "the queue could not be asked: " << error.what() << '\n';
        }
    }

    int begin() {
        if (state_of(run_) == RunState::kCompleted) return nothing("the run is completed");
        if (cancel_requested(run_)) return nothing("the run was cancelled");
        const std::string waits = runs_to_come_first();
        if (!waits.empty()) return queue_again(waits);
        refuse_if_taken();
        close_lost_attempts();
        const Recipe recipe = load_recipe(run_.recipe());
        const std::size_t stage = stage_at(recipe, newest_step());
        if (stage >= job_.end_stage) return nothing("the stages of this job are done");
        if (stage < job_.first_stage) return earlier_stage(recipe.stages[stage].name);
        write_attempt_of(recipe);
        return 0;
    }

  private:
    /// A job that is not the one of the record was queued twice: only one of them may run.
    JobRecord claim(int number) {
        std::optional<JobRecord> job = read_job(run_, number);
        if (!job)
            throw Error(ExitCode::kUsage, run_.run_id() + " has no job " + std::to_string(number));
        if (job->job && *job->job != place_.job)
            throw Error(ExitCode::kScheduler,
                        "job " + std::to_string(number) + " of " + run_.run_id() + " is " +
                            std::to_string(*job->job) + ", not " + std::to_string(place_.job));
        if (!job->job) {  // sbatch's answer never reached the one who called it
            job->job = place_.job;
            job->problem.clear();
            write_job(run_, *job);
        }
        return *job;
    }

    int nothing(const std::string& why) {
        context_.err << "nothing to do: " << why << '\n';
        return 0;
    }

    std::int64_t newest_step() const {
        const auto steps = list_checkpoints(run_.checkpoints());
        return steps.empty() ? 0 : steps.back();
    }

    const QueuedJob* queued(std::int64_t id) const {
        const auto found = std::find_if(queue_.begin(), queue_.end(),
                                        [id](const QueuedJob& job) { return job.id.number == id; });
        return found == queue_.end() ? nullptr : &*found;
    }

    /// A controller that is silent for a moment must not end the run that asks.
    RunView settled_view(const RunDirectory& run) {
        for (int look = 1;; ++look) {
            const RunView view = view_runs({run}, scheduler_.get()).front();
            if (view.state != RunState::kUnknown || look == kLooks) return view;
            std::this_thread::sleep_for(kPause);
        }
    }

    /// Why the run has to wait for another one still; empty when it need not. Throws Error when the
    /// other one will not be completed.
    std::string runs_to_come_first() {
        for (const std::string& path : job_.after_runs) {
            const RunView other = settled_view(RunDirectory(path));
            if (other.state == RunState::kCompleted) continue;
            if (!other.queued)
                throw Error(ExitCode::kRunFailed, "this run was to begin after " +
                                                      other.run.run_id() + ", which is " +
                                                      to_string(other.state) + " and not queued");
            after_ = {other.queued->id.number};
            return other.run.run_id() + " is not completed yet";
        }
        return "";
    }

    int queue_again(const std::string& why) {
        SubmissionWishes wishes;
        wishes.after = after_;
        wishes.after_runs = job_.after_runs;
        const auto jobs = submit_jobs(load_submission(run_), {plan_of(job_)}, wishes, *scheduler_);
        context_.err << why << ": job " << *jobs.front().job << " begins after it\n";
        return 0;
    }

    /// Follow-up jobs of an earlier stage are queued behind this one.
    int earlier_stage(const std::string& stage) {
        for (const QueuedJob& job : queue_) {
            const bool alive = job.state.phase != JobPhase::kEnded;
            if (job.name != run_.run_id() || !alive || job.id.number == place_.job) continue;
            after_ = {job.id.number};
            return queue_again("stage " + stage + " is not done");
        }
        throw Error(ExitCode::kRunFailed, "stage " + stage + " of " + run_.run_id() +
                                              " is not done, and no job for it is queued");
    }

    void refuse_if_taken() const {
        const int newest = run_.newest_attempt();
        const std::optional<AttemptRecord> attempt = read_attempt(run_, newest);
        if (!attempt || attempt->end_ms || attempt->ending) return;
        const bool local = !attempt->slurm && state_of(run_) == RunState::kRunning;
        const std::int64_t id = attempt->slurm ? attempt->slurm->job : 0;
        const QueuedJob* other = id != place_.job ? queued(id) : nullptr;
        const bool elsewhere = other != nullptr && other->state.phase == JobPhase::kRunning;
        if (local || elsewhere)
            throw Error(ExitCode::kRunFailed,
                        "attempt " + std::to_string(newest) + " of " + run_.run_id() + " runs on " +
                            attempt->host + (elsewhere ? " as job " + std::to_string(id) : ""));
    }

    /// Attempts that were killed whole, with their epilogue. Slurm tells what it was, and when.
    void close_lost_attempts() {
        for (int number = 1; number <= run_.newest_attempt(); ++number) {
            std::optional<AttemptRecord> attempt = read_attempt(run_, number);
            if (!attempt || !attempt->slurm || attempt->ending) continue;
            attempt->ending = Ending::kLost;
            attempt->ending_detail = "the job was killed whole";
            attempt->goes_on = GoesOn::kRequeued;
            attempt->end_step = newest_step();
            ask_how_it_ended(*attempt);
            write_attempt(run_, *attempt);
        }
    }

    void ask_how_it_ended(AttemptRecord& attempt) {
        std::optional<std::vector<PastJob>> history;
        try {
            history = scheduler_->history({attempt.slurm->job}, attempt.start_ms / 1000);
        } catch (const Error& error) {
            context_.err << "the accounting could not be asked: " << error.what() << '\n';
        }
        for (const PastJob& job : history.value_or(std::vector<PastJob>{})) {
            const bool same = job.start_s && *job.start_s * 1000 == attempt.start_ms;
            if (!same || !job.end_s || job.name != run_.run_id()) continue;
            attempt.end_ms = *job.end_s * 1000;
            attempt.ending_detail += " (" + job.state.text + ")";
            if (job.state.end == JobEnd::kPreempted) attempt.ending = Ending::kPreempted;
            if (job.state.end == JobEnd::kTimeLimit) attempt.ending = Ending::kTimeLimit;
        }
    }

    void write_attempt_of(const Recipe& recipe) {
        const std::int64_t now = utc_milliseconds();
        const QueuedJob* self = queued(place_.job);
        AttemptRecord attempt = describe_launcher(shell_);
        const ClusterProfile profile = load_profiles({run_.cluster()}).front();
        attempt.launcher = profile.launcher == RankLauncher::kSrun ? "srun" : "mpirun";
        attempt.account = place_.account.empty() ? profile.account : place_.account;
        attempt.ranks = job_.ranks;
        attempt.threads_per_rank = job_.threads_per_rank;
        attempt.gpus = job_.paid_gpus;
        // The allocation is paid for from its start, not from that of the script.
        attempt.start_ms = self != nullptr && self->start_s ? *self->start_s * 1000 : now;
        const bool told = self != nullptr && self->left_s;
        attempt.deadline_ms = now + (told ? *self->left_s : job_.time_limit_s) * 1000;
        attempt.start_step = newest_step();
        attempt.job = job_.number;
        attempt.slurm = SlurmPlace{place_.job, job_.cluster, place_.restarts, place_.partition,
                                   expand_node_list(place_.node_list)};
        attempt.end_stage = job_.end_stage < recipe.stages.size() ? job_.end_stage : 0;
        set_budget_end(run_, recipe.cost, {job_.paid_gpus, job_.nodes, job_.paid_cores, -1},
                       attempt);
        attempt.number = run_.begin_attempt();
        write_attempt(run_, attempt);
        context_.err << "attempt " << attempt.number << " of " << run_.run_id() << " from step "
                     << attempt.start_step << " on " << place_.node_list << '\n';
        context_.out << attempt.number << ' ' << *attempt.deadline_ms / 1000 << '\n';
    }

    RunDirectory run_;
    std::int64_t shell_;
    Context& context_;
    SlurmEnvironment place_ = slurm_environment();
    JobRecord job_;
    std::unique_ptr<Scheduler> scheduler_ = context_.make_scheduler();
    std::vector<QueuedJob> queue_;
    std::vector<std::int64_t> after_;
};

}  // namespace

int run_attempt_begin(const AttemptOptions& options, Context& context) {
    return Beginning(options, context).begin();
}

}  // namespace r1::cli
