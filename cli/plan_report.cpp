// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/output/numbers.h"
#include "cli/output/table.h"
#include "cli/submitting.h"
#include "common/time.h"

namespace r1::cli {

namespace {

std::string gigabytes(double bytes) {
    return fixed(bytes / 1e9, bytes < 1e9 ? 3 : 2);
}

std::string seconds_text(double seconds) {
    return fixed(seconds, seconds < 1 ? 4 : 2);
}

/// A row a stage and a column a part.
void print_memory(const JobForecast& job, std::ostream& out) {
    std::vector<std::string> names;
    for (const StageForecast& stage : job.run.stages)
        for (const MemoryPart& part : stage.memory.parts)
            if (std::find(names.begin(), names.end(), part.name) == names.end())
                names.push_back(part.name);
    std::vector<Table::Column> columns = {{"stage"}};
    for (const std::string& name : names) columns.push_back({name, Table::Align::kRight});
    columns.push_back({"total", Table::Align::kRight});
    columns.push_back({"of", Table::Align::kRight, true});
    columns.push_back({"fits", Table::Align::kLeft, true});
    Table table(columns);
    for (const StageForecast& stage : job.run.stages) {
        std::vector<std::string> cells = {stage.stage};
        for (const std::string& name : names) {
            std::string cell = "-";
            for (const MemoryPart& part : stage.memory.parts)
                if (part.name == name) cell = gigabytes(part.bytes);
            cells.push_back(cell);
        }
        const bool known = stage.memory.capacity > 0;
        cells.push_back(gigabytes(stage.memory.total));
        cells.push_back(known ? gigabytes(stage.memory.capacity) : "-");
        cells.push_back(!known ? "-" : stage.memory.fits() ? "yes" : "no");
        table.add(cells);
    }
    out << "memory of one " << (job.plan.paid_gpus > 0 ? "GPU" : "rank") << ", GB:\n";
    table.print(out);
}

void print_times(const JobForecast& job, std::ostream& out) {
    Table table({{"stage"},
                 {"phase"},
                 {"seconds a step", Table::Align::kRight},
                 {"bound by"},
                 {"steps", Table::Align::kRight},
                 {"tokens a step", Table::Align::kRight},
                 {"time", Table::Align::kRight}});
    for (const StageForecast& stage : job.run.stages) {
        for (const PhaseForecast& phase : stage.phases)
            table.add(
                {stage.stage, phase.name, seconds_text(phase.seconds), phase.bound, "", "", ""});
        table.add({stage.stage, "step", seconds_text(stage.step_seconds), "",
                   std::to_string(stage.steps), short_count(stage.tokens_per_step),
                   short_duration(stage.seconds)});
    }
    out << "time:\n";
    table.print(out);
    out << "evaluations " << short_duration(job.run.evaluation_seconds) << ", saves "
        << short_duration(job.run.save_seconds) << ", start "
        << short_duration(job.run.start_seconds) << ", in all " << short_duration(job.run.seconds)
        << '\n';
}

void print_job(const JobForecast& job, std::ostream& out) {
    const JobPlan& plan = job.plan;
    const ParallelSection& parallel = job.recipe.parallel;
    out << "layout: " << counted(plan.ranks, "rank") << " on " << counted(plan.nodes, "node")
        << ", each with "
        << (plan.paid_gpus > 0 ? "one " + job.run.hardware.name + " GPU"
                               : counted(plan.threads_per_rank, "core"))
        << ", tensor " << parallel.tensor << ", pipeline " << parallel.pipeline << ", expert "
        << parallel.expert << ", zero " << parallel.zero << '\n';
    print_memory(job, out);
    print_times(job, out);
}

Json stage_json(const StageForecast& stage) {
    Json memory = Json::object();
    for (const MemoryPart& part : stage.memory.parts) memory[part.name] = part.bytes;
    Json phases = Json::array();
    for (const PhaseForecast& phase : stage.phases)
        phases.push_back(
            {{"name", phase.name}, {"seconds", phase.seconds}, {"bound", phase.bound}});
    return {
        {"stage", stage.stage},
        {"steps", stage.steps},
        {"step_seconds", stage.step_seconds},
        {"seconds", stage.seconds},
        {"tokens_per_step", stage.tokens_per_step},
        {"phases", phases},
        {"memory_bytes", memory},
        {"memory_total_bytes", stage.memory.total},
        {"memory_capacity_bytes", stage.memory.capacity > 0 ? Json(stage.memory.capacity) : Json()},
        {"fits", stage.memory.fits()}};
}

Json job_json(const JobForecast& job) {
    Json stages = Json::array();
    for (const StageForecast& stage : job.run.stages) stages.push_back(stage_json(stage));
    const bool limited = job.plan.time_limit_s > 0;
    return {{"partition", job.plan.partition},
            {"ranks", job.plan.ranks},
            {"nodes", job.plan.nodes},
            {"gpus", job.plan.paid_gpus},
            {"cores", job.plan.paid_cores},
            {"hardware", job.run.hardware.name},
            {"seconds", job.run.seconds},
            {"evaluation_seconds", job.run.evaluation_seconds},
            {"save_seconds", job.run.save_seconds},
            {"start_seconds", job.run.start_seconds},
            {"attempts", job.attempts},
            {"expected", bill_json(job.expected)},
            {"highest_of_an_attempt", limited ? bill_json(job.bound) : Json()},
            {"misfit", job.misfit},
            {"stages", stages}};
}

std::vector<std::string> assumptions_of_all(const std::vector<JobForecast>& jobs) {
    std::vector<std::string> all;
    for (const JobForecast& job : jobs)
        for (const std::string& sentence : job.run.assumptions)
            if (std::find(all.begin(), all.end(), sentence) == all.end()) all.push_back(sentence);
    return all;
}

/// What the time limits allow: for a cluster's jobs as `submit` says it.
void print_bounds(const Recipe& recipe, const std::vector<JobForecast>& jobs, std::ostream& out) {
    std::vector<JobPlan> queued;
    for (const JobForecast& job : jobs) {
        const bool gpus = job.plan.paid_gpus > 0;
        if (!job.plan.partition.empty())
            queued.push_back(job.plan);
        else if (job.plan.time_limit_s == 0)
            out << "no upper bound: resources.time_limit is not set\n";
        else
            out << "at most " << short_duration(static_cast<double>(job.plan.time_limit_s))
                << " an attempt = " << hours_text(gpus ? job.bound.gpu_ms : job.bound.core_ms)
                << (gpus ? " GPU-hours, " : " core-hours, ") << cost_text(job.bound) << '\n';
    }
    if (!queued.empty()) print_plans(queued, recipe, out);
}

}  // namespace

void print_plan(const Recipe& recipe, const std::vector<JobForecast>& jobs, std::ostream& out) {
    for (const JobForecast& job : jobs) print_job(job, out);
    print_forecast(jobs, out);
    print_bounds(recipe, jobs, out);
    out << "assumed:\n";
    for (const std::string& sentence : assumptions_of_all(jobs)) out << "  " << sentence << '\n';
}

Json plan_json(const Recipe& recipe, const std::vector<JobForecast>& jobs) {
    Bill all;
    Json rows = Json::array();
    double seconds = 0;
    for (const JobForecast& job : jobs) {
        all += job.expected;
        seconds += job.run.seconds;
        rows.push_back(job_json(job));
    }
    return {{"schema", 1},
            {"recipe", recipe.name},
            {"seconds", seconds},
            {"expected", bill_json(all)},
            {"jobs", rows},
            {"efficiencies", jobs.empty() ? "assumed" : jobs.front().run.efficiencies.source},
            {"assumed", assumptions_of_all(jobs)}};
}

}  // namespace r1::cli
