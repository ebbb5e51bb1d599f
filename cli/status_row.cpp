// SPDX-License-Identifier: Apache-2.0
#include "cli/status_row.h"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>

#include "cli/output/numbers.h"
#include "cli/output/times.h"
#include "cli/spent.h"
#include "cli/story.h"
#include "common/time.h"

namespace r1::cli {

namespace {

/// Slurm's id of the job that the row is about: the queued one, else the newest that there was.
std::string job_text(const StatusRow& row) {
    if (row.view.queued) return to_string(row.view.queued->id);
    for (auto job = row.view.jobs.rbegin(); job != row.view.jobs.rend(); ++job)
        if (job->job) return to_string(JobId{*job->job, job->cluster});
    return "-";
}

/// The record of the queued job, else the newest.
const JobRecord* job_record(const StatusRow& row) {
    const std::vector<JobRecord>& jobs = row.view.jobs;
    if (jobs.empty()) return nullptr;
    if (row.view.queued)
        for (const JobRecord& job : jobs)
            if (job.job == row.view.queued->id.number) return &job;
    return &jobs.back();
}

/// "4 x 8 GPUs", "2 nodes x 16 ranks", "2 ranks".
std::string size_text(const StatusRow& row) {
    const JobRecord* job = job_record(row);
    if (job != nullptr && job->gpus_per_node > 0)
        return std::to_string(job->nodes) + " x " + counted(job->gpus_per_node, "GPU");
    if (job != nullptr)
        return counted(job->nodes, "node") + " x " + counted(job->ranks_per_node, "rank");
    if (!row.attempt) return "-";
    if (row.attempt->gpus > 0) return counted(row.attempt->gpus, "GPU");
    return counted(row.attempt->ranks, "rank");
}

/// Until the last step, by the latest steps; only while it runs.
std::optional<double> seconds_left(const StatusRow& row) {
    const auto& last = row.glance.last;
    if (row.view.state != RunState::kRunning || !last || row.glance.step_seconds <= 0 ||
        last->total_steps <= 0)
        return std::nullopt;
    const auto steps = std::max<std::int64_t>(0, last->total_steps - last->step);
    return static_cast<double>(steps) * row.glance.step_seconds;
}

std::optional<std::int64_t> expected_start(const StatusRow& row) {
    const bool waits = row.view.queued && row.view.state == RunState::kQueued;
    return waits ? row.view.queued->start_s : std::nullopt;
}

void append(std::string& text, const std::string& more) {
    if (!more.empty()) text += (text.empty() ? "" : "; ") + more;
}

std::string note_text(const StatusRow& row, std::int64_t now_s) {
    std::string text = row.view.note;
    const auto start = expected_start(row);
    if (start) append(text, "starts " + expected_time(*start, now_s));
    const bool tells = row.attempt && row.attempt->ending && row.view.state != RunState::kRunning &&
                       row.view.state != RunState::kCompleted;
    // What view_runs() has said already is not said twice.
    if (tells && (row.attempt->ending_detail.empty() ||
                  text.find(row.attempt->ending_detail) == std::string::npos))
        append(text, ending_text(*row.attempt));
    else if (tells && row.attempt->goes_on != GoesOn::kNot)
        append(text, "goes on by itself");
    return text;
}

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

}  // namespace

StatusRow row_of(const RunView& view) {
    StatusRow row{view, to_string(view.state), {}, Json::object(), {}, view.problem};
    const auto attempt = [&](const auto& read) {
        try {
            read();
        } catch (const std::exception& e) {
            if (row.problem.empty()) row.problem = e.what();
        }
    };
    attempt([&] { row.glance = glance_at(view.run); });
    attempt([&] { row.usage = usage_of(view, utc_milliseconds()); });
    row.attempt = newest_attempt_record(view.run);
    row.problem = row.problem.substr(0, row.problem.find('\n'));
    if (!row.problem.empty()) row.state = "damaged";
    return row;
}

std::vector<Table::Column> status_columns() {
    using enum Table::Align;
    return {{"run"},
            {"state"},
            {"job", kRight, true},
            {"stage"},
            {"step", kRight},
            {"last"},
            {"pass@1", kRight},
            {"ETA", kRight, true},
            {"time", kRight},
            {"size"},
            {"GPU-hours", kRight},
            {"core-hours", kRight},
            {"cost", kRight},
            {"note", kLeft, true}};
}

std::vector<std::string> cells_of(const StatusRow& row, std::int64_t now_s) {
    const auto& last = row.glance.last;
    std::string quality = "-";
    if (last && last->reward) quality = "reward " + fixed(*last->reward, 3);
    if (last && !last->reward && last->loss) quality = "loss " + fixed(*last->loss, 4);
    const auto left = seconds_left(row);
    const bool known = !row.usage.empty();
    return {row.view.run.run_id(),
            row.state,
            job_text(row),
            last ? last->stage : "-",
            last ? std::to_string(last->step) + "/" + std::to_string(last->total_steps) : "-",
            quality,
            row.glance.evaluation ? fixed(row.glance.evaluation->pass_1, 3) : "-",
            left ? short_duration(*left) : "-",
            known ? short_duration(row.usage.at("wall_ms").get<double>() / 1000) : "-",
            size_text(row),
            known ? row.usage.at("gpu_hours").get<std::string>() : "-",
            known ? row.usage.at("core_hours").get<std::string>() : "-",
            known ? cost_text(row.usage) : "-",
            note_text(row, now_s)};
}

Json to_json(const StatusRow& row) {
    const auto& last = row.glance.last;
    const auto& evaluation = row.glance.evaluation;
    const JobRecord* job = job_record(row);
    const bool ended = row.attempt && row.attempt->ending;
    return Json{{"run_id", row.view.run.run_id()},
                {"path", row.view.run.root().string()},
                {"state", row.state},
                {"stage", last ? Json(last->stage) : Json(nullptr)},
                {"step", last ? last->step : 0},
                {"total_steps", last ? Json(last->total_steps) : Json(nullptr)},
                {"reward", last ? or_null(last->reward) : Json(nullptr)},
                {"loss", last ? or_null(last->loss) : Json(nullptr)},
                {"pass@1", evaluation ? Json(evaluation->pass_1) : Json(nullptr)},
                {"usage", row.usage.empty() ? Json(nullptr) : row.usage},
                {"problem", row.problem},
                {"submitted", !row.view.jobs.empty()},
                {"job", job_text(row) == "-" ? Json(nullptr) : Json(job_text(row))},
                {"nodes", job != nullptr ? Json(job->nodes) : Json(nullptr)},
                {"gpus_per_node", job != nullptr ? Json(job->gpus_per_node) : Json(nullptr)},
                {"ranks", row.attempt ? Json(row.attempt->ranks) : Json(nullptr)},
                {"eta_s", or_null(seconds_left(row))},
                {"expected_start_s", or_null(expected_start(row))},
                {"ending", ended ? Json(to_string(*row.attempt->ending)) : Json(nullptr)},
                {"goes_on", row.attempt && row.attempt->goes_on != GoesOn::kNot},
                {"note", row.view.note}};
}

}  // namespace r1::cli
