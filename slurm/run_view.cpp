// SPDX-License-Identifier: Apache-2.0
#include "slurm/run_view.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "common/error.h"
#include "common/text.h"
#include "common/time.h"

namespace r1 {

namespace {

/// For so long after sbatch neither the queue nor the accounting need to know a job.
constexpr std::int64_t kYoungMs = 300'000;

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

/// Whether the records leave it open how the run is.
bool is_open(const RunView& view, const std::optional<AttemptRecord>& attempt) {
    if (view.state == RunState::kCompleted) return false;
    std::error_code ignored;
    // Its records are damaged; the queue knows its jobs by their name.
    if (view.jobs.empty())
        return !view.problem.empty() && std::filesystem::exists(view.run.jobs(), ignored);
    // The epilogue has told, and the run does not go on.
    const bool told = attempt && attempt->slurm && attempt->ending &&
                      attempt->goes_on == GoesOn::kNot && *attempt->ending != Ending::kNextJob;
    if (!told) return true;
    // It has been queued again since, by hand.
    const JobRecord& newest = view.jobs.back();
    return newest.number > attempt->job && newest.submit_ms > attempt->start_ms &&
           newest.problem.empty();
}

RunView records_of(const RunDirectory& run, std::optional<AttemptRecord>& attempt) {
    RunView view{run, RunState::kUnknown, {}, std::nullopt, "", ""};
    const auto attempt_to = [&](const auto& read) {
        try {
            read();
        } catch (const Error& error) {
            if (view.problem.empty()) view.problem = first_line(error.what());
        }
    };
    attempt_to([&] { view.state = state_of(run); });
    attempt_to([&] { view.jobs = read_jobs(run); });
    attempt_to([&] { attempt = read_attempt(run, run.newest_attempt()); });
    if (attempt && attempt->ending && view.state != RunState::kCompleted)
        view.note = attempt->ending_detail;
    return view;
}

/// Of a job that it refuses the controller keeps a record for some minutes, FAILED and without
/// nodes: that was not queued.
template <class Job>
bool was_refused(const Job& job) {
    return job.state.end == JobEnd::kFailed && job.nodes.empty();
}

/// Whether job a tells more than b of how the run ended: the one that started last. One that never
/// had nodes was cancelled because of another.
template <class Job>
bool tells_more(const Job& a, const Job& b) {
    const auto key = [](const Job& job) {
        return std::tuple(!job.nodes.empty(), job.start_s.value_or(0), job.id.number);
    };
    return key(b) < key(a);
}

/// Running before waiting, and the one that was queued first.
bool is_nearer(const QueuedJob& a, const QueuedJob& b) {
    const bool a_runs = a.state.phase == JobPhase::kRunning;
    const bool b_runs = b.state.phase == JobPhase::kRunning;
    return a_runs != b_runs ? a_runs : a.id.number < b.id.number;
}

std::string waiting_note(const QueuedJob& job, const std::optional<AttemptRecord>& attempt) {
    std::string note = job.reason.empty() || job.reason == "None" ? "waits" : job.reason;
    // Slurm holds a requeued job back until the old start's credentials have expired.
    if (job.reason == "BeginTime" && attempt) note = "requeued; Slurm holds it back for a moment";
    if (job.state.text.find("HOLD") != std::string::npos) note += " (held)";
    return note;
}

void apply(const QueuedJob& job, const std::optional<AttemptRecord>& attempt, RunView& view) {
    view.queued = job;
    if (job.state.phase == JobPhase::kRunning) {
        view.state = RunState::kRunning;
        const bool begun = attempt && attempt->slurm && attempt->slurm->job == job.id.number &&
                           attempt->slurm->restarts == job.restarts;
        view.note = !begun ? "starting" : attempt->ending ? "ending" : "";
        if (job.state.text != "RUNNING") view.note = job.state.text;
    } else if (job.state.phase == JobPhase::kWaiting) {
        view.state = RunState::kQueued;
        view.note = waiting_note(job, attempt);
    } else {
        view.state = RunState::kUnknown;
        view.note = "Slurm calls it " + job.state.text;
    }
}

/// No job of the run is alive: what became of the newest one.
void apply_end(JobEnd end, const std::string& text, const std::string& nodes, RunView& view) {
    const std::string where = nodes.empty() ? "" : " on " + nodes;
    view.state = RunState::kInterrupted;
    switch (end) {
        case JobEnd::kCancelled:
            view.state = cancel_requested(view.run) ? RunState::kStopped : RunState::kInterrupted;
            view.note = "the job was cancelled";
            return;
        case JobEnd::kTimeLimit:
            view.note = "cut off by the time limit" + where;
            return;
        case JobEnd::kNodeFailed:
            view.note = "node failure" + where;
            return;
        case JobEnd::kPreempted:
            view.note = "preempted, and not queued again";
            return;
        case JobEnd::kFailed:
            view.state = RunState::kFailed;
            view.note = "the job script failed; r1ctl logs --batch shows why";
            return;
        case JobEnd::kCompleted:
        case JobEnd::kNone:
            break;
    }
    view.note = "its job ended (" + text + ") before the run was complete";
}

bool is_young(const JobRecord& job) {
    return utc_milliseconds() - job.submit_ms < kYoungMs;
}

void apply_silence(bool accounting, const std::string& refused, RunView& view) {
    if (view.jobs.empty()) return;
    const JobRecord& job = view.jobs.back();
    if (!job.problem.empty()) {
        view.state = RunState::kFailed;
        view.note = "not queued: " + first_line(job.problem);
    } else if (!job.job && !refused.empty()) {  // nobody was left to write it down
        view.state = RunState::kFailed;
        view.note = "not queued: Slurm refused it (" + refused + ")";
    } else if (is_young(job)) {
        view.state = RunState::kUnknown;
        view.note = "Slurm does not show its job yet";
    } else {
        view.state = RunState::kInterrupted;
        view.note = accounting ? "Slurm knows nothing of its job"
                               : "its job is not in the queue, and there is no accounting";
    }
}

struct OpenRun {
    RunView* view = nullptr;
    std::optional<AttemptRecord> attempt;
    std::string refused{};  ///< why the controller refused a job of it
};

/// What ended adds nothing to what the epilogue wrote: its own job, or one that never trained, as
/// those of later stages that it cancelled.
bool records_tell(const OpenRun& run, std::int64_t job, JobEnd end) {
    const auto& attempt = run.attempt;
    if (!attempt || !attempt->slurm || !attempt->ending || attempt->goes_on != GoesOn::kNot ||
        *attempt->ending == Ending::kNextJob)
        return false;
    return attempt->slurm->job == job || end == JobEnd::kCompleted || end == JobEnd::kCancelled;
}

void note_silent_scheduler(const Error& error, const std::vector<OpenRun>& open) {
    for (const OpenRun& run : open) {
        run.view->state = RunState::kUnknown;
        run.view->note = first_line(error.what());
    }
}

/// Whether it was cancelled before it started, because a later job of the run was refused.
template <class Job>
bool was_taken_back(const Job& job, const RunView& view) {
    return job.nodes.empty() && !view.jobs.empty() && !view.jobs.back().problem.empty();
}

/// True when the queue tells how the run is.
bool told_by_queue(OpenRun& run, std::vector<QueuedJob>& jobs) {
    for (const QueuedJob& job : jobs)
        if (was_refused(job)) run.refused = job.reason;
    std::erase_if(jobs, was_refused<QueuedJob>);
    std::sort(jobs.begin(), jobs.end(), is_nearer);
    for (const QueuedJob& job : jobs) {
        if (job.state.phase == JobPhase::kEnded) continue;
        apply(job, run.attempt, *run.view);
        return true;
    }
    if (jobs.empty()) return false;
    const QueuedJob& last = *std::min_element(jobs.begin(), jobs.end(), tells_more<QueuedJob>);
    if (was_taken_back(last, *run.view)) return false;
    if (!records_tell(run, last.id.number, last.state.end))
        apply_end(last.state.end, last.state.text, last.nodes, *run.view);
    return true;
}

/// Runs that the queue told of leave the list.
void ask_queue(Scheduler& scheduler, std::vector<OpenRun>& open) {
    std::map<std::string, std::vector<QueuedJob>> by_name;
    for (QueuedJob& job : scheduler.queue()) by_name[job.name].push_back(std::move(job));
    std::erase_if(
        open, [&](OpenRun& run) { return told_by_queue(run, by_name[run.view->run.run_id()]); });
}

/// The accounting may not know the name of a job yet, and calls it "allocation" then.
bool is_of(const PastJob& job, const RunView& view) {
    if (job.name == view.run.run_id()) return true;
    constexpr std::int64_t kClocksDifferMs = 60'000;
    return job.name == "allocation" && job.submit_s &&
           std::any_of(view.jobs.begin(), view.jobs.end(), [&](const JobRecord& record) {
               return record.job == job.id.number &&
                      *job.submit_s * 1000 + kClocksDifferMs >= record.submit_ms;
           });
}

void apply_history(const std::vector<PastJob>& history, const OpenRun& run) {
    const PastJob* last = nullptr;
    for (const PastJob& job : history)
        if (is_of(job, *run.view) && !was_refused(job) &&
            (last == nullptr || !tells_more(*last, job)))
            last = &job;
    if (last == nullptr || was_taken_back(*last, *run.view)) {
        apply_silence(true, run.refused, *run.view);
    } else if (last->state.phase == JobPhase::kEnded) {
        if (!records_tell(run, last->id.number, last->state.end))
            apply_end(last->state.end, last->state.text, last->nodes, *run.view);
    } else {
        run.view->state = RunState::kUnknown;
        run.view->note =
            "the queue does not show its job, which the accounting calls " + last->state.text;
    }
}

void ask_history(Scheduler& scheduler, const std::vector<OpenRun>& open) {
    std::vector<std::int64_t> ids;
    std::int64_t since_ms = utc_milliseconds();
    for (const OpenRun& run : open)
        for (const JobRecord& job : run.view->jobs) {
            if (job.job) ids.push_back(*job.job);
            since_ms = std::min(since_ms, job.submit_ms);
        }
    const auto history = ids.empty() ? std::nullopt : scheduler.history(ids, since_ms / 1000);
    for (const OpenRun& run : open)
        if (history)
            apply_history(*history, run);
        else
            apply_silence(false, run.refused, *run.view);
}

void look_again(RunView& view) {
    std::optional<AttemptRecord> attempt;
    RunView now = records_of(view.run, attempt);
    if (!is_open(now, attempt)) view = std::move(now);
}

}  // namespace

std::vector<RunView> view_runs(const std::vector<RunDirectory>& runs, Scheduler* scheduler) {
    std::vector<RunView> views;
    views.reserve(runs.size());
    std::vector<OpenRun> open;
    for (const RunDirectory& run : runs) {
        std::optional<AttemptRecord> attempt;
        views.push_back(records_of(run, attempt));
        if (is_open(views.back(), attempt)) open.push_back({&views.back(), std::move(attempt), ""});
    }
    if (open.empty() || scheduler == nullptr) return views;
    std::vector<RunView*> asked;
    for (const OpenRun& run : open) asked.push_back(run.view);
    try {
        ask_queue(*scheduler, open);
        if (!open.empty()) ask_history(*scheduler, open);
    } catch (const Error& error) {
        note_silent_scheduler(error, open);
    }
    // A run may have ended between the look at its records and the question to the queue.
    for (RunView* view : asked)
        if (!view->queued) look_again(*view);
    return views;
}

}  // namespace r1
