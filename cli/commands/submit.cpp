// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/submit.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint/run_directory.h"
#include "cli/budgets.h"
#include "cli/job_forecast.h"
#include "cli/known_clusters.h"
#include "cli/rank_program.h"
#include "cli/runs_folder.h"
#include "cli/submitting.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/text.h"
#include "recipes/load.h"
#include "slurm/billing/rate.h"
#include "slurm/preflight.h"
#include "slurm/run_view.h"

namespace r1::cli {

namespace {

/// Everything that is queued, before anything is.
struct Prepared {
    Submission submission;
    std::vector<JobPlan> plans;
    SubmissionWishes wishes;
};

Prepared prepare(const SubmitOptions& options) {
    std::vector<std::string> overrides = options.overrides;
    if (!options.name.empty()) overrides.push_back("name=" + options.name);
    Recipe recipe = load_trainable_recipe(options.recipe, overrides);
    const ClusterProfile profile = choose_cluster(known_clusters(), options.cluster);
    const std::vector<JobPlan> plans =
        plan_jobs(recipe, profile, {options.partition, options.nodes});
    recipe.cost = frozen_prices(recipe.cost, profile);
    const RunDirectory run(std::filesystem::absolute(options.runs) / make_run_id(recipe.name));
    Prepared prepared{make_submission(run, std::move(recipe), profile), plans, {}};
    prepared.wishes.hold = options.hold;
    return prepared;
}

/// The jobs that a run waits for now, and the runs that must be completed by then.
void wait_for(const std::vector<std::string>& names, const std::filesystem::path& runs,
              Scheduler& scheduler, SubmissionWishes& wishes) {
    std::vector<RunDirectory> others;
    for (const std::string& name : names)
        others.push_back(find_run(std::filesystem::absolute(runs), name));
    for (const RunView& view : view_runs(others, &scheduler)) {
        if (view.state == RunState::kCompleted) continue;
        if (!view.queued)
            throw Error(ExitCode::kUsage,
                        "--after: " + view.run.run_id() + " is " + to_string(view.state) +
                            " and not queued\n  next: " + next_command("resume", view.run));
        wishes.after.push_back(view.queued->id.number);
        wishes.after_runs.push_back(view.run.root().string());
    }
}

void print_findings(const std::vector<Finding>& findings, std::ostream& err) {
    for (const Finding& finding : findings)
        err << (finding.fatal ? "error: " : "note: ") << printable(finding.message) << '\n';
}

void look_before(const Prepared& prepared, Scheduler& scheduler, std::ostream& err) {
    const auto findings = preflight(prepared.submission, prepared.plans, scheduler);
    print_findings(findings, err);
    for (const Finding& finding : findings)
        if (finding.fatal)
            throw Error(ExitCode::kScheduler,
                        "nothing was queued: the cluster would refuse the run, see above");
}

bool agreed(const SubmitOptions& options, std::ostream& err) {
    if (options.yes || ::isatty(STDIN_FILENO) == 0) return true;
    err << "queue it? [Y/n] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer.empty() || answer.starts_with('y') || answer.starts_with('Y');
}

/// The very bytes that sbatch would be given; what it would be told is a log.
int print_scripts(const Prepared& prepared, Context& context) {
    SubmitWishes wishes;
    wishes.hold = prepared.wishes.hold;
    for (std::size_t i = 0; i < prepared.plans.size(); ++i) {
        const JobPlan& plan = prepared.plans[i];
        const int number = static_cast<int>(i) + 1;
        wishes.warning_s = warning_seconds(prepared.submission.run, plan.time_limit_s);
        const JobRequest request = job_request(prepared.submission, plan, number, wishes);
        context.err << "sbatch";
        for (const std::string& option : request.options)
            context.err << ' ' << shell_quoted(option);
        context.err << ' ' << shell_quoted(request.script.string()) << '\n';
        context.out << job_script(plan, prepared.submission.profile,
                                  place_of(prepared.submission, number));
    }
    return 0;
}

void create(const Submission& submission) {
    const RunDirectory& run = submission.run;
    create_run(run.root().parent_path(), run.run_id(), freeze_recipe(submission.recipe));
    write_file_durably(run.cluster(), freeze_profile(submission.profile));
}

void print_result(const RunDirectory& run, const std::vector<JobRecord>& jobs, bool json,
                  std::ostream& out) {
    if (!json) {
        print_jobs(run, jobs, out);
        return;
    }
    Json ids = Json::array();
    for (const JobRecord& job : jobs) ids.push_back(*job.job);
    out << Json{{"schema", 1},
                {"run_id", run.run_id()},
                {"path", run.root().string()},
                {"jobs", ids}}
               .dump(2)
        << '\n';
}

}  // namespace

void add_submit(CLI::App& app, Context& context) {
    auto options = std::make_shared<SubmitOptions>();
    CLI::App* command = app.add_subcommand("submit", "Queue a recipe on a Slurm cluster");
    command->add_option("recipe", options->recipe, "Recipe file")->required();
    command->add_option("--set", options->overrides, "Override a key: --set stages.rl.steps=50")
        ->allow_extra_args(false);
    command->add_option("--name", options->name, "Name of the run (default: the recipe's)");
    command->add_option("--cluster", options->cluster, "Cluster of the cluster file");
    command->add_option("--partition", options->partition, "Partition (default: the cluster's)");
    command->add_option("--nodes", options->nodes, "Nodes, in the place of the recipe's ranks")
        ->check(CLI::PositiveNumber);
    command->add_option("--after", options->after, "Begin when this run is completed")
        ->allow_extra_args(false);
    command->add_flag("--dry-run", options->dry_run, "Print the job script and queue nothing");
    command->add_flag("--hold", options->hold, "Queue it held: scontrol release lets it go");
    command->add_flag("-y,--yes", options->yes, "Ask nothing");
    command->add_flag("--no-check", options->no_check, "Do not ask the cluster first");
    command->add_flag("--json", options->json, "Print JSON (schema 1)");
    add_runs_option(*command, options->runs);
    command->callback([options, &context] { context.exit_code = run_submit(*options, context); });
}

int run_submit(const SubmitOptions& options, Context& context) {
    Prepared prepared = prepare(options);
    if (options.dry_run) return print_scripts(prepared, context);
    for (const std::string& name : foreign_slurm_variables())
        context.err << "note: $" << name << " is set and is kept from the job\n";
    const auto scheduler = context.make_scheduler();
    wait_for(options.after, options.runs, *scheduler, prepared.wishes);
    if (!options.no_check) look_before(prepared, *scheduler, context.err);
    const Submission& submission = prepared.submission;
    std::ostream& summary = options.json ? context.err : context.out;
    print_forecast(submission.recipe, prepared.plans, summary);
    print_plans(prepared.plans, submission.recipe, summary);
    context.out.flush();
    refuse_over_budget(submission, prepared.plans, *scheduler, context);
    if (!agreed(options, context.err)) {
        context.err << "nothing was queued\n";
        return 0;
    }
    create(submission);
    try {
        const auto jobs = submit_jobs(submission, prepared.plans, prepared.wishes, *scheduler);
        print_result(submission.run, jobs, options.json, context.out);
    } catch (const Error& error) {
        throw Error(error.code(), std::string(error.what()) +
                                      "\n  run:  " + submission.run.root().string() +
                                      "\n  next: " + next_command("status", submission.run) +
                                      ", then " + next_command("resume", submission.run));
    }
    return 0;
}

}  // namespace r1::cli
