// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/run_records.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "checkpoint/checkpoint.h"
#include "common/error.h"
#include "common/json.h"

namespace r1 {

namespace {

std::optional<std::int64_t> integer(const Json& line, const char* name) {
    const auto field = line.find(name);
    if (field == line.end() || !field->is_number_integer()) return std::nullopt;
    return field->get<std::int64_t>();
}

/// Whole milliseconds of a time in seconds; 0 for what is none.
std::int64_t milliseconds(const Json& line, const char* name) {
    constexpr double kMost = 1e9;  // thirty years
    const auto field = line.find(name);
    if (field == line.end() || !field->is_number()) return 0;
    const double seconds = field->get<double>();
    return seconds > 0 && seconds < kMost ? std::llround(seconds * 1000) : 0;
}

std::string text(const Json& line, const char* name) {
    const auto field = line.find(name);
    return field != line.end() && field->is_string() ? field->get<std::string>() : "";
}

/// Looks at the folders that are there: a number alone may be anything.
std::vector<AttemptFacts> read_attempts(const RunDirectory& run) {
    std::vector<AttemptFacts> attempts;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(run.attempts(), ignored)) {
        const std::string name = entry.path().filename().string();
        int number = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
        if (parsed.ec != std::errc{} || number < 1 || name != std::to_string(number)) continue;
        const auto record = read_attempt(run, number);
        if (!record) continue;
        attempts.push_back(
            {*record, read_outcome(run, number), read_ranks_beginning(run, number), {}, 0});
    }
    std::sort(attempts.begin(), attempts.end(), [](const AttemptFacts& a, const AttemptFacts& b) {
        return a.record.number < b.record.number;
    });
    return attempts;
}

std::optional<StepLine> step_line(const Json& line) {
    const auto attempt = integer(line, "attempt");
    const auto step = integer(line, "step");
    const auto time = integer(line, "time_ms");
    if (!attempt || !step || !time) return std::nullopt;
    std::int64_t took = milliseconds(line, "timing_s/step");
    if (took == 0) took = milliseconds(line, "perf/time_per_step");
    return StepLine{static_cast<int>(*attempt), *step, text(line, "stage"), *time - took, *time};
}

void read_metrics(RunRecords& records) {
    std::map<int, std::vector<StepLine>*> lines_of;
    for (AttemptFacts& attempt : records.attempts) lines_of[attempt.record.number] = &attempt.lines;
    std::uint64_t offset = 0;
    for (const Json& json : read_json_lines(records.run.metrics(), offset)) {
        const std::optional<StepLine> line = step_line(json);
        if (!line) continue;
        records.stage_of[line->step] = line->stage;
        if (const auto found = lines_of.find(line->attempt); found != lines_of.end())
            found->second->push_back(*line);
    }
    for (AttemptFacts& attempt : records.attempts)
        std::stable_sort(attempt.lines.begin(), attempt.lines.end(),
                         [](const StepLine& a, const StepLine& b) { return a.end_ms < b.end_ms; });
}

/// The step of the checkpoint that it went on from; nullopt when it never came so far.
std::optional<std::int64_t> from_step(const AttemptFacts& attempt) {
    if (attempt.beginning && attempt.beginning->from_step) return attempt.beginning->from_step;
    if (!attempt.lines.empty()) return attempt.lines.front().step - 1;
    if (attempt.record.slurm) return attempt.record.start_step;
    return std::nullopt;
}

/// Steps that a later attempt did again are not kept, however far back it was.
void find_kept_steps(RunRecords& records) {
    if (records.attempts.empty()) return;
    const auto steps = list_checkpoints(records.run.checkpoints());
    std::int64_t kept = steps.empty() ? 0 : steps.back();
    // What was pruned since had been kept.
    const AttemptFacts& last = records.attempts.back();
    kept = std::max(kept, last.record.end_step.value_or(0));
    if (last.outcome) kept = std::max(kept, last.outcome->step);
    bool told = false;
    for (auto attempt = records.attempts.rbegin(); attempt != records.attempts.rend(); ++attempt) {
        attempt->kept_step = kept;
        const std::optional<std::int64_t> from = from_step(*attempt);
        if (from) kept = told ? std::min(kept, *from) : *from;
        told = told || from.has_value();
    }
}

}  // namespace

const JobRecord* RunRecords::job_record(std::int64_t id) const {
    for (const JobRecord& job : jobs)
        if (job.job == id) return &job;
    return nullptr;
}

const JobRecord* RunRecords::job_of(const AttemptRecord& attempt) const {
    if (!attempt.slurm) return nullptr;
    for (const JobRecord& job : jobs)
        if (job.number == attempt.job) return &job;
    return job_record(attempt.slurm->job);
}

RunRecords read_skeleton(const RunDirectory& run) {
    RunRecords records{run, state_of(run), read_attempts(run), read_jobs(run), {}, "", {}, {}};
    try {
        records.accounting = read_accounting(run);
    } catch (const Error& error) {
        records.problem = error.what();
    }
    return records;
}

void read_steps(RunRecords& records) {
    read_metrics(records);
    find_kept_steps(records);
    std::uint64_t offset = 0;
    for (const Json& line : read_json_lines(records.run.evaluations(), offset))
        if (const auto time = integer(line, "time_ms")) records.evaluated_ms.push_back(*time);
}

std::int64_t inferred_end(const RunRecords& records, const AttemptFacts& attempt,
                          std::int64_t before) {
    const std::int64_t start = attempt.record.start_ms;
    if (attempt.outcome) return std::max(start, attempt.outcome->end_ms);
    std::int64_t newest = start;
    for (const StepLine& line : attempt.lines)
        if (line.end_ms < before) newest = std::max(newest, line.end_ms);
    // Lines that a later attempt dropped are not there to tell; the ranks had come up, though.
    if (attempt.beginning && attempt.beginning->up_ms < before)
        newest = std::max(newest, attempt.beginning->up_ms);
    for (const std::int64_t time : records.evaluated_ms)
        if (time < before) newest = std::max(newest, time);
    return newest;
}

}  // namespace r1
