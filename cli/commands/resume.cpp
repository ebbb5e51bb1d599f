// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/resume.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>
#include <stdexcept>

#include "checkpoint/attempt.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/job.h"
#include "checkpoint/lease.h"
#include "cli/budgets.h"
#include "cli/living_ranks.h"
#include "cli/lookout.h"
#include "cli/output/times.h"
#include "cli/rank_program.h"
#include "cli/runs_folder.h"
#include "cli/story.h"
#include "cli/submitting.h"
#include "cli/supervisor.h"
#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "recipes/load.h"
#include "slurm/job_script.h"
#include "slurm/plan.h"
#include "slurm/submission.h"

namespace r1::cli {

namespace {

constexpr double kSaveSeconds = 60;  ///< what the last save of orphaned ranks may take

std::string launcher_text(const RunDirectory& run) {
    const auto attempt = read_attempt(run, run.newest_attempt());
    if (!attempt) return "an unknown host";
    return attempt->host + " (pid " + std::to_string(attempt->launcher_pid) + ")";
}

/// Throws Error when another launcher has, or may have, the run.
void refuse_if_taken(const RunDirectory& run, RunState state, bool force, std::ostream& err) {
    if (state == RunState::kRunning)
        throw Error(ExitCode::kRunFailed, run.run_id() + " is running on " + launcher_text(run) +
                                              "\n  see: " + next_command("logs -f", run));
    if (state != RunState::kUnknown || force) return;
    if (!lease_holder(run))
        throw Error(ExitCode::kRunFailed,
                    run.run_id() + " was started on " + launcher_text(run) +
                        ", which cannot be asked from here; resume it there, or with --force when "
                        "you know that it ended");
    err << "looking whether " << launcher_text(run) << " still writes to the run" << std::endl;
    if (const auto holder = living_holder(run))
        throw Error(ExitCode::kRunFailed, run.run_id() + " is being written by " +
                                              describe(*holder) +
                                              "\n  see: " + next_command("logs -f", run));
}

/// Throws Error when a job of the run is queued or runs, or when that cannot be told.
void refuse_if_queued(const RunView& view, bool force) {
    const std::string id = view.run.run_id();
    if (view.queued)
        throw Error(ExitCode::kRunFailed,
                    id + ": job " + to_string(view.queued->id) +
                        (view.state == RunState::kRunning
                             ? " of it runs" +
                                   (view.queued->nodes.empty() ? "" : " on " + view.queued->nodes)
                             : " of it waits in the queue") +
                        "\n  see: " + next_command("watch", view.run));
    if (view.state == RunState::kUnknown && !force)
        throw Error(ExitCode::kScheduler,
                    "cannot tell whether a job of " + id + " is queued or runs: " + view.note +
                        "\n  next: try again, or add --force when you know that none does");
}

/// Where the run goes on: the step of the newest checkpoint that verifies, else 0.
std::int64_t step_of(const RunDirectory& run, std::ostream& err) {
    std::vector<Rejected> rejected;
    const auto step = latest_verified(run.checkpoints(), rejected);
    for (const Rejected& bad : rejected)
        err << "checkpoint of step " << bad.step << " does not verify: " << printable(bad.reason)
            << '\n';
    return step.value_or(0);
}

/// Nodes on which ranks died or hung at the end of the last attempt, where the site leaves them
/// out.
std::vector<std::string> excluded_nodes(const RunDirectory& run, const ClusterProfile& profile) {
    const auto attempt = newest_attempt_record(run);
    return attempt && profile.exclude_bad_nodes ? attempt->bad_nodes : std::vector<std::string>{};
}

void print_scripts(const Submission& submission, const std::vector<JobPlan>& plans, int first,
                   std::ostream& out) {
    for (std::size_t i = 0; i < plans.size(); ++i)
        out << job_script(plans[i], submission.profile,
                          place_of(submission, first + static_cast<int>(i)));
}

/// The frozen recipe holds the budget, so that every later attempt heeds it.
void set_budget(const RunDirectory& run, const std::string& text) {
    if (text.empty()) return;
    Recipe recipe = load_recipe(run.recipe());
    try {
        recipe.cost.budget = parse_amount(text);
    } catch (const std::invalid_argument& error) {
        throw Error(ExitCode::kUsage, "--budget: " + std::string(error.what()));
    }
    write_file_durably(run.recipe(), freeze_recipe(recipe));
}

int submit_again(const RunView& view, const ResumeOptions& options, Scheduler& scheduler,
                 Context& context) {
    const RunDirectory& run = view.run;
    refuse_if_queued(view, options.force);
    if (!options.dry_run) set_budget(run, options.budget);
    const Submission submission = load_submission(run);
    const std::int64_t step = step_of(run, context.err);
    const PlanWishes wishes{view.jobs.back().partition, options.nodes};
    const auto plans = plans_left(plan_jobs(submission.recipe, submission.profile, wishes),
                                  submission.recipe, step);
    if (options.dry_run) {
        print_scripts(submission, plans, view.jobs.back().number + 1, context.out);
        return 0;
    }
    SubmissionWishes how;
    how.excluded = excluded_nodes(run, submission.profile);
    if (!how.excluded.empty())
        context.err << "without " << folded_nodes(how.excluded) << ", where ranks died\n";
    context.err << "going on from step " << step << std::endl;
    print_plans(plans, submission.recipe, context.out);
    refuse_over_budget(submission, plans, scheduler, context);
    withdraw_cancel(run);
    print_jobs(run, submit_jobs(submission, plans, how, scheduler), context.out);
    return 0;
}

void refuse_cluster_options(const RunDirectory& run, const ResumeOptions& options) {
    if (options.nodes == 0 && !options.dry_run) return;
    throw Error(ExitCode::kUsage,
                run.run_id() +
                    " was never submitted: --nodes and --dry-run are for runs on a "
                    "cluster\n  see: r1ctl submit --help");
}

void refuse_local_options(const RunDirectory& run, const ResumeOptions& options) {
    if (options.ranks == 0) return;
    throw Error(ExitCode::kUsage, run.run_id() +
                                      " was submitted: --ranks is for runs on this machine; use "
                                      "--nodes\n  see: r1ctl resume --help");
}

}  // namespace

void add_resume(CLI::App& app, Context& context) {
    auto options = std::make_shared<ResumeOptions>();
    CLI::App* command =
        app.add_subcommand("resume", "Go on from the newest checkpoint that verifies");
    command->add_option("run", options->run, "Run id, the start of one, or a path")->required();
    command->add_option("--nodes", options->nodes, "Queue it again on so many nodes")
        ->check(CLI::PositiveNumber);
    command->add_option("--ranks", options->ranks, "Go on here and now on so many ranks")
        ->check(CLI::PositiveNumber);
    command->add_option("--budget", options->budget, "Let the run cost so much in all from now on");
    command->add_flag("--dry-run", options->dry_run, "Print the job script and queue nothing");
    command->add_flag("--force", options->force, "Although nobody can say whether it still runs");
    command->add_flag("--quiet", options->quiet, "No progress, only the report");
    add_runs_option(*command, options->runs);
    command->footer("A run that was submitted is queued again; any other goes on here and now.");
    command->callback([options, &context] { context.exit_code = run_resume(*options, context); });
}

int run_resume(const ResumeOptions& options, Context& context) {
    const RunDirectory run = find_run(std::filesystem::absolute(options.runs), options.run);
    const auto scheduler = scheduler_for({run}, context);
    const RunView view = view_runs({run}, scheduler.get()).front();
    if (view.state == RunState::kCompleted) {
        context.out << run.run_id() << " is completed; there is nothing to resume\nnext: "
                    << next_command("eval", run) << '\n';
        return 0;
    }
    if (!view.jobs.empty()) {
        refuse_local_options(run, options);
        return submit_again(view, options, *scheduler, context);
    }
    refuse_cluster_options(run, options);
    refuse_if_taken(run, view.state, options.force, context.err);
    set_budget(run, options.budget);
    Recipe recipe = load_recipe(run.recipe());
    if (options.ranks > 0) recipe.resources.ranks = options.ranks;
    const auto rank_program = find_rank_program();
    wait_for_living_ranks(run, kSaveSeconds, context.err);
    context.err << "resuming " << run.run_id() << ", which is " << to_string(view.state)
                << std::endl;
    return supervise(run, recipe, {rank_program, options.quiet}, context);
}

}  // namespace r1::cli
