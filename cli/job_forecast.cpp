// SPDX-License-Identifier: Apache-2.0
#include "cli/job_forecast.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "cli/output/numbers.h"
#include "common/error.h"
#include "common/time.h"
#include "slurm/billing/upper_bound.h"

namespace r1::cli {

namespace {

Hardware hardware_of(const JobPlan& plan, const Recipe& recipe, const ForecastWishes& wishes) {
    if (plan.paid_gpus == 0) return cpu_core();
    std::string type = wishes.hardware.empty() ? plan.gpu_type : wishes.hardware;
    if (type.empty()) type = recipe.resources.gpu_type;
    if (const auto found = find_hardware(type)) return *found;
    throw Error(ExitCode::kUsage,
                (type.empty() ? std::string("the type of GPU is not known")
                              : "nothing is known of a GPU of type '" + type + "'") +
                    "; name one with --hardware: " + known_hardware());
}

Layout layout_of(const JobPlan& plan) {
    return {plan.ranks, plan.nodes, plan.threads_per_rank, plan.paid_gpus > 0};
}

Efficiencies efficiencies_of(const Layout& layout, const ForecastWishes& wishes) {
    if (!wishes.calibration) return assumed_efficiencies(layout);
    if (wishes.calibration->layout.gpus != layout.gpus)
        throw Error(ExitCode::kUsage, std::string("--calibrate: that run was on ") +
                                          (layout.gpus ? "CPUs" : "GPUs") + " and this one is on " +
                                          (layout.gpus ? "GPUs" : "CPUs") +
                                          "; calibrate from a run like it");
    return wishes.calibration->efficiencies;
}

std::string misfit_of(const JobForecast& job) {
    for (const StageForecast& stage : job.run.stages) {
        if (stage.memory.fits()) continue;
        const std::string nearest = nearest_fit(job.recipe, job.run.layout, job.run.hardware);
        return "stage " + stage.stage + " needs " + fixed(stage.memory.total / 1e9, 1) +
               " GB a device, and " + job.run.hardware.name + " has " +
               fixed(stage.memory.capacity / 1e9, 1) + " GB\n  next: " +
               (nearest.empty() ? "no layout that was tried fits; take larger devices" : nearest);
    }
    return {};
}

/// What the job's allocation comes to when it is held for so long.
Bill bill_for(JobPlan plan, double seconds, const CostSection& prices, std::int64_t now_ms) {
    plan.time_limit_s = static_cast<std::int64_t>(std::ceil(seconds));
    return upper_bound(plan, prices, now_ms);
}

/// How many attempts the seconds take; 0 when none comes to the end of a step.
std::int64_t attempts_in(const JobForecast& job, double seconds) {
    double step = 0;
    for (const StageForecast& stage : job.run.stages) step = std::max(step, stage.step_seconds);
    const double room = static_cast<double>(job.plan.time_limit_s) - job.run.start_seconds;
    if (room <= step) return 0;
    return static_cast<std::int64_t>(
        std::max(std::ceil((seconds - job.run.start_seconds) / room), 1.0));
}

JobForecast forecast_job(const Recipe& recipe, const JobPlan& plan, const ForecastWishes& wishes,
                         std::int64_t now_ms) {
    JobForecast job;
    job.plan = plan;
    job.recipe = recipe;
    const auto stage = [&recipe](std::size_t index) {
        return recipe.stages.begin() + static_cast<std::ptrdiff_t>(index);
    };
    job.recipe.stages.assign(stage(plan.first_stage), stage(plan.end_stage));
    const Layout layout = layout_of(plan);
    // All stages of a job have its ranks, whatever --nodes has made of the recipe's.
    for (StageSection& made : job.recipe.stages) made.resources.reset();
    job.recipe.resources.ranks = plan.ranks;
    job.run = forecast_run(job.recipe, layout, hardware_of(plan, recipe, wishes),
                           efficiencies_of(layout, wishes));
    // Hours of 65,536 devices for 300 years are still a number that bills can hold.
    constexpr double kLongest = 1e10;
    double seconds = std::min(job.run.seconds, kLongest);
    if (plan.time_limit_s > 0) {
        job.attempts = attempts_in(job, seconds);
        // Each attempt starts anew.
        seconds += static_cast<double>(std::max<std::int64_t>(job.attempts - 1, 0)) *
                   job.run.start_seconds;
        job.bound = upper_bound(plan, recipe.cost, now_ms);
    }
    job.expected = bill_for(plan, seconds, recipe.cost, now_ms);
    job.misfit = misfit_of(job);
    return job;
}

}  // namespace

std::vector<JobPlan> local_plans(const Recipe& recipe, bool gpus) {
    std::vector<JobPlan> plans;
    for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
        const ResourcesSection& resources = recipe.resources_of(recipe.stages[i]);
        const bool same = i > 0 && recipe.resources_of(recipe.stages[i - 1]) == resources;
        if (same) {
            plans.back().end_stage = i + 1;
            continue;
        }
        JobPlan plan;
        plan.first_stage = i;
        plan.end_stage = i + 1;
        plan.ranks = resources.ranks;
        plan.ranks_per_node = resources.ranks_per_node;
        constexpr std::int64_t kGpusOfNode = 8;
        if (plan.ranks_per_node == 0)
            plan.ranks_per_node = gpus ? std::min(plan.ranks, kGpusOfNode) : plan.ranks;
        plan.nodes = (plan.ranks + plan.ranks_per_node - 1) / plan.ranks_per_node;
        plan.threads_per_rank = resources.threads_per_rank;
        plan.gpus_per_node = gpus ? plan.ranks_per_node : 0;
        plan.gpu_type = gpus ? resources.gpu_type : std::string();
        plan.paid_gpus = gpus ? plan.ranks : 0;
        plan.paid_cores = plan.ranks * plan.threads_per_rank;
        plan.time_limit_s = resources.time_limit.seconds;
        plans.push_back(plan);
    }
    return plans;
}

std::vector<JobForecast> forecast_jobs(const Recipe& recipe, const std::vector<JobPlan>& plans,
                                       const ForecastWishes& wishes) {
    const std::int64_t now = utc_milliseconds();
    std::vector<JobForecast> jobs;
    for (const JobPlan& plan : plans) jobs.push_back(forecast_job(recipe, plan, wishes, now));
    return jobs;
}

void print_forecast(const std::vector<JobForecast>& jobs, std::ostream& out) {
    Bill all;
    double seconds = 0;
    bool gpus = false;
    std::int64_t attempts = 0;
    for (const JobForecast& job : jobs) {
        all += job.expected;
        seconds += job.run.seconds;
        gpus = gpus || job.plan.paid_gpus > 0;
        attempts += job.attempts;
    }
    out << "expected: " << short_duration(seconds) << ", "
        << hours_text(gpus ? all.gpu_ms : all.core_ms) << (gpus ? " GPU-hours, " : " core-hours, ")
        << cost_text(all);
    if (attempts > static_cast<std::int64_t>(jobs.size()))
        out << ", in " << attempts << " attempts by the time limit";
    out << " (" << (jobs.empty() ? "assumed" : jobs.front().run.efficiencies.source) << ")\n";
    for (const JobForecast& job : jobs)
        if (job.attempts == 0)
            out << "note: the start alone takes " << short_duration(job.run.start_seconds)
                << ", which leaves no time for a step within "
                << short_duration(static_cast<double>(job.plan.time_limit_s))
                << "; a longer resources.time_limit does\n";
    for (const JobForecast& job : jobs)
        if (!job.misfit.empty()) out << "does not fit: " << job.misfit << '\n';
}

void print_forecast(const Recipe& recipe, const std::vector<JobPlan>& plans, std::ostream& out) {
    try {
        print_forecast(forecast_jobs(recipe, plans, {}), out);
    } catch (const Error& error) {
        out << "expected: not known: " << error.what() << '\n';
    }
}

}  // namespace r1::cli
