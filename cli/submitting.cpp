// SPDX-License-Identifier: Apache-2.0
#include "cli/submitting.h"

#include <cstdlib>
#include <ostream>

#include "cli/output/numbers.h"
#include "cli/rank_program.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "common/time.h"
#include "recipes/load.h"
#include "slurm/billing/upper_bound.h"
#include "slurm/job_script.h"

namespace r1::cli {

namespace {

std::map<std::string, std::string> job_environment() {
    std::map<std::string, std::string> environment;
    for (const char* name : {"PATH", "LD_LIBRARY_PATH"})
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0')
            environment[name] = value;
    return environment;
}

std::string stages_text(const JobPlan& plan, const Recipe& recipe) {
    std::string text;
    for (std::size_t i = plan.first_stage; i < plan.end_stage; ++i)
        text += (text.empty() ? "" : ", ") + recipe.stages[i].name;
    return text;
}

std::string devices_text(const JobPlan& plan) {
    std::string text = counted(plan.nodes, "node") + " x " + counted(plan.ranks_per_node, "rank");
    if (plan.gpus_per_node > 0)
        text += " (one a GPU" + (plan.gpu_type.empty() ? ")" : ", " + plan.gpu_type + ")");
    return text;
}

}  // namespace

Submission make_submission(const RunDirectory& run, Recipe recipe, ClusterProfile profile) {
    std::error_code failed;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (failed) throw Error(ExitCode::kScheduler, "cannot find r1ctl's own path in /proc/self/exe");
    return {RunDirectory(std::filesystem::absolute(run.root()).lexically_normal()),
            std::move(recipe),
            std::move(profile),
            own,
            std::filesystem::absolute(find_rank_program()),
            job_environment()};
}

Submission load_submission(const RunDirectory& run) {
    return make_submission(run, load_recipe(run.recipe()), load_profiles({run.cluster()}).front());
}

void print_plans(const std::vector<JobPlan>& plans, const Recipe& recipe, std::ostream& out) {
    const std::int64_t now = utc_milliseconds();
    for (const JobPlan& plan : plans) {
        const Bill bill = upper_bound(plan, recipe.cost, now);
        const bool gpus = plan.paid_gpus > 0;
        out << "job: " << stages_text(plan, recipe) << ": " << devices_text(plan) << ", partition "
            << plan.partition << ", at most "
            << short_duration(static_cast<double>(plan.time_limit_s))
            << " an attempt = " << hours_text(gpus ? bill.gpu_ms : bill.core_ms)
            << (gpus ? " GPU-hours, " : " core-hours, ") << cost_text(bill) << '\n';
    }
    const std::int64_t most = recipe.resources.max_attempts;
    out << "it goes on in further attempts until its steps are done"
        << (most > 0 ? ", at most " + std::to_string(most) + " in all"
                     : std::string(" (resources.max_attempts bounds them)"))
        << '\n';
}

void print_jobs(const RunDirectory& run, const std::vector<JobRecord>& jobs, std::ostream& out) {
    out << "run: " << run.run_id() << "\njobs:";
    for (const JobRecord& job : jobs)
        out << ' ' << *job.job << (job.cluster.empty() ? "" : ";" + job.cluster);
    out << "\nnext: " << next_command("status", run) << "\n      " << next_command("watch", run)
        << "\n      " << next_command("cancel", run) << '\n';
}

}  // namespace r1::cli
