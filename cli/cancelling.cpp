// SPDX-License-Identifier: Apache-2.0
#include "cli/cancelling.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <ostream>
#include <thread>

#include "checkpoint/attempt.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/job.h"
#include "cli/living_ranks.h"
#include "cli/lookout.h"
#include "cli/runs_folder.h"
#include "cli/story.h"
#include "common/error.h"
#include "common/text.h"
#include "common/time.h"

namespace r1::cli {

namespace {

constexpr double kSlowestAskSeconds = 30;
constexpr double kHarderSeconds = 30;  ///< for what is ended at once to be gone

void sleep_for(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

/// One submitted run on its way to its end.
class Stopping {
  public:
    Stopping(RunView view, const CancelWishes& wishes, Context& context)
        : result_{std::move(view), false, ""}, wishes_(wishes), context_(context) {}

    bool done() const { return done_; }
    Cancelled result() const { return result_; }

    /// Acts on what the queue holds of the run.
    void act(const std::vector<QueuedJob>& queue, Scheduler& scheduler) {
        bool running = false;
        for (const QueuedJob& job : queue) {
            if (job.name != run().run_id() || job.state.phase == JobPhase::kEnded) continue;
            const bool waits = job.state.phase == JobPhase::kWaiting;
            if (waits || wishes_.now)
                cancel(job, waits ? ", which was waiting" : " at once", scheduler);
            else
                stop(job, scheduler);
            running = running || !(waits || wishes_.now);
        }
        if (!running) finish(true);
    }

    /// The records may know of the end before the queue does.
    void look_at_records() {
        const auto attempt = newest_attempt_record(run());
        if (!job_ || !attempt || !attempt->slurm || attempt->slurm->job != job_->number) return;
        if (attempt->ending || read_outcome(run(), attempt->number)) finish(true);
    }

    void give_up(Scheduler& scheduler) {
        if (job_) scheduler.cancel(*job_);
        context_.err << run().run_id() << ": the grace is over" << std::endl;
        finish(false);
    }

  private:
    const RunDirectory& run() const { return result_.view.run; }

    void say(const std::string& text) {
        context_.err << run().run_id() << ": " << printable(text) << std::endl;
    }

    void cancel(const QueuedJob& job, const char* how, Scheduler& scheduler) {
        scheduler.cancel(job.id);
        say("cancelled job " + to_string(job.id) + how);
    }

    /// Ranks that are not up do not listen yet; a job script that has not begun an attempt finds
    /// the wish by itself.
    bool ranks_listen(const QueuedJob& job) const {
        const auto attempt = newest_attempt_record(run());
        return attempt && attempt->slurm && attempt->slurm->job == job.id.number &&
               !read_ranks(run(), attempt->number).empty();
    }

    void stop(const QueuedJob& job, Scheduler& scheduler) {
        if (!job_)
            say("job " + to_string(job.id) + (job.nodes.empty() ? "" : " on " + job.nodes) +
                " is asked to save and to stop");
        job_ = job.id;
        if (!signalled_ && ranks_listen(job)) {
            scheduler.signal_ranks(job.id, "USR2");
            signalled_ = true;
            if (wishes_.wait) say("waiting until it has saved; r1ctl cancel --now does not");
        }
        if (wishes_.wait) return;
        if (!signalled_) say("its ranks are not up yet; they stop after their first step");
        result_.stopped = true;
        result_.text = "saves and stops";
        done_ = true;
    }

    void finish(bool stopped) {
        result_.stopped = stopped;
        result_.text = saved_text(run());
        done_ = true;
    }

    Cancelled result_;
    const CancelWishes& wishes_;
    Context& context_;
    std::optional<JobId> job_;  ///< the running one
    bool signalled_ = false;
    bool done_ = false;
};

/// Waits for what `gone` says; false when the time is over.
template <class Gone>
bool wait_until(const Gone& gone, double seconds, double every) {
    const double deadline = monotonic_seconds() + seconds;
    while (!gone()) {
        if (monotonic_seconds() >= deadline) return false;
        sleep_for(every);
    }
    return true;
}

/// The launcher counts its signals: the first saves, the second ends at once. Two at the same time
/// would be one.
void signal_launcher(const AttemptRecord& attempt, bool twice) {
    const auto pid = static_cast<pid_t>(attempt.launcher_pid);
    ::kill(pid, SIGTERM);
    if (!twice) return;
    sleep_for(0.2);
    ::kill(pid, SIGTERM);
}

}  // namespace

std::string saved_text(const RunDirectory& run) {
    const auto checkpoints = list_checkpoints(run.checkpoints());
    if (checkpoints.empty()) return "stopped; there is no checkpoint";
    return "stopped; the newest checkpoint is of step " + std::to_string(checkpoints.back());
}

std::vector<Cancelled> cancel_submitted(const std::vector<RunView>& views, Scheduler& scheduler,
                                        const CancelWishes& wishes, Context& context) {
    std::vector<Stopping> targets;
    for (const RunView& view : views) request_cancel(view.run);
    for (const RunView& view : views) targets.emplace_back(view, wishes, context);
    const double deadline = monotonic_seconds() + wishes.grace_s;
    double ask_every = wishes.ask_s;
    double next_ask = 0;
    while (std::any_of(targets.begin(), targets.end(), [](auto& t) { return !t.done(); })) {
        const double now = monotonic_seconds();
        if (now >= next_ask) {
            const std::vector<QueuedJob> queue = scheduler.queue();
            for (Stopping& target : targets)
                if (!target.done()) target.act(queue, scheduler);
            next_ask = now + ask_every;
            ask_every = std::min(2 * ask_every, kSlowestAskSeconds);
        }
        for (Stopping& target : targets) {
            if (!target.done()) target.look_at_records();
            if (!target.done() && now >= deadline) target.give_up(scheduler);
        }
        sleep_for(wishes.files_s);
    }
    std::vector<Cancelled> results;
    for (const Stopping& target : targets) results.push_back(target.result());
    return results;
}

Cancelled cancel_local(const RunView& view, const CancelWishes& wishes, Context& context) {
    const RunDirectory& run = view.run;
    const auto attempt = newest_attempt_record(run);
    const std::string id = run.run_id();
    if (view.state == RunState::kUnknown || !attempt) {
        const std::string where = attempt ? attempt->host : "another host";
        return {view, false,
                "was started on " + where + "; type there: " + next_command("cancel", run)};
    }
    const auto gone = [&] { return has_ended(view_runs({run}, nullptr).front()); };
    if (view.state == RunState::kRunning) signal_launcher(*attempt, wishes.now);
    if (view.state != RunState::kRunning && wishes.now)
        for (const pid_t rank : living_ranks(run)) ::kill(rank, SIGKILL);
    if (!wishes.wait) return {view, true, "saves and stops"};
    if (!wishes.now)
        context.err << id << ": waiting until it has saved; r1ctl cancel --now does not"
                    << std::endl;
    const double patience = wishes.now ? kHarderSeconds : wishes.grace_s;
    if (wait_until(gone, patience, wishes.files_s)) return {view, true, saved_text(run)};
    context.err << id << ": the grace is over" << std::endl;
    if (view.state == RunState::kRunning) signal_launcher(*attempt, false);
    for (const pid_t rank : living_ranks(run)) ::kill(rank, SIGKILL);
    const bool ended = wait_until(gone, kHarderSeconds, wishes.files_s);
    return {view, false, ended ? saved_text(run) : "does not end; see r1ctl logs"};
}

}  // namespace r1::cli
