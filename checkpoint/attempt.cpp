// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/attempt.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "checkpoint/process.h"
#include "checkpoint/record_fields.h"
#include "common/error.h"
#include "common/host.h"
#include "common/json.h"
#include "common/text.h"
#include "common/time.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

constexpr int kSchema = 1;

// A choice is written as its name.
template <class Enum>
struct Names {
    std::vector<std::pair<Enum, const char*>> list;
    const char* of(Enum value) const {
        for (const auto& [known, name] : list)
            if (known == value) return name;
        return "unknown";
    }
    Enum parse(const std::string& text, const fs::path& path) const {
        for (const auto& [known, name] : list)
            if (text == name) return known;
        throw Error(ExitCode::kRunFailed,
                    "'" + path.string() + "' has an unknown word: '" + printable(text) + "'");
    }
};

const Names<Outcome> kOutcomes{
    {{Outcome::kCompleted, "completed"}, {Outcome::kStopped, "stopped"}}};
const Names<StopReason> kReasons{{{StopReason::kNone, "none"},
                                  {StopReason::kSignal, "signal"},
                                  {StopReason::kDeadline, "deadline"},
                                  {StopReason::kNextJob, "next job"},
                                  {StopReason::kBudget, "budget"}}};
const Names<Ending> kEndings{{{Ending::kCompleted, "completed"},
                              {Ending::kNextJob, "next job"},
                              {Ending::kCancelled, "cancelled"},
                              {Ending::kTimeLimit, "time limit"},
                              {Ending::kPreempted, "preempted"},
                              {Ending::kRankFailed, "rank failed"},
                              {Ending::kRankKilled, "rank killed"},
                              {Ending::kBudget, "budget used up"},
                              {Ending::kHung, "hung"},
                              {Ending::kSuperseded, "superseded"},
                              {Ending::kLost, "lost"}}};
const Names<GoesOn> kWaysOn{
    {{GoesOn::kNot, "no"}, {GoesOn::kRequeued, "requeued"}, {GoesOn::kFollowUp, "follow-up job"}}};

Json slurm_json(const SlurmPlace& place) {
    return {{"job", place.job},
            {"cluster", place.cluster},
            {"restarts", place.restarts},
            {"partition", place.partition},
            {"nodes", place.nodes}};
}

SlurmPlace slurm_of(const Json& record) {
    return {record.at("job").get<std::int64_t>(), record.at("cluster").get<std::string>(),
            record.at("restarts").get<std::int64_t>(), record.at("partition").get<std::string>(),
            record.at("nodes").get<std::vector<std::string>>()};
}

// Ranks have bytes of any kind in their messages; a record never fails to be written for that.
Json text_json(const std::string& text) {
    return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
}

// The rank in "error-rank<N>.json"; nullopt for another name.
std::optional<int> rank_in_name(const std::string& name) {
    constexpr std::string_view kPrefix = "error-rank";
    if (!name.starts_with(kPrefix)) return std::nullopt;
    int rank = 0;
    const char* const end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, rank);
    if (parsed.ec != std::errc{} || std::string_view(parsed.ptr, end) != ".json")
        return std::nullopt;
    return rank;
}

// A rank that failed has failed, even when its record cannot be read.
RankError read_rank_error(const fs::path& path, int rank) {
    RankError error;
    error.rank = rank;
    try {
        const auto read = read_fields(path, kSchema, [&](const Json& r) {
            return RankError{rank, r.at("host").get<std::string>(),
                             r.at("message").get<std::string>(), r.at("exit_code").get<int>(),
                             optional_field<bool>(r, "hung").value_or(false)};
        });
        if (read) return *read;
        error.message = "its error record vanished: '" + path.string() + "'";
    } catch (const Error& e) {
        error.message = std::string("its error record is damaged: ") + e.what();
    }
    return error;
}

}  // namespace

void write_attempt(const RunDirectory& run, const AttemptRecord& a) {
    Json record = {{"schema", kSchema},
                   {"number", a.number},
                   {"launcher", a.launcher},
                   {"host", a.host},
                   {"launcher_pid", a.launcher_pid},
                   {"launcher_start_ticks", a.launcher_start_ticks},
                   {"boot_id", a.boot_id},
                   {"user", a.user},
                   {"account", a.account},
                   {"ranks", a.ranks},
                   {"threads_per_rank", a.threads_per_rank},
                   {"gpus", a.gpus},
                   {"start_ms", a.start_ms}};
    if (a.end_ms) record["end_ms"] = *a.end_ms;
    if (a.exit_code) record["exit_code"] = *a.exit_code;
    if (a.deadline_ms) record["deadline_ms"] = *a.deadline_ms;
    if (a.budget_end_ms) record["budget_end_ms"] = *a.budget_end_ms;
    if (a.budget_warning_ms) record["budget_warning_ms"] = *a.budget_warning_ms;
    record["start_step"] = a.start_step;
    if (a.slurm) {
        record["job"] = a.job;
        record["slurm"] = slurm_json(*a.slurm);
        record["end_stage"] = a.end_stage;
    }
    if (a.ending) {
        record["ending"] = kEndings.of(*a.ending);
        record["ending_detail"] = text_json(a.ending_detail);
        record["bad_nodes"] = a.bad_nodes;
        record["goes_on"] = kWaysOn.of(a.goes_on);
    }
    if (a.end_step) record["end_step"] = *a.end_step;
    write_record(run.attempt_record(a.number), record);
}

std::optional<AttemptRecord> read_attempt(const RunDirectory& run, int number) {
    const fs::path path = run.attempt_record(number);
    return read_fields(path, kSchema, [&](const Json& r) {
        AttemptRecord a;
        a.number = number;
        a.launcher = r.at("launcher").get<std::string>();
        a.host = r.at("host").get<std::string>();
        a.launcher_pid = r.at("launcher_pid").get<std::int64_t>();
        a.launcher_start_ticks = r.at("launcher_start_ticks").get<std::int64_t>();
        a.boot_id = r.at("boot_id").get<std::string>();
        a.user = optional_field<std::string>(r, "user").value_or("");
        a.account = optional_field<std::string>(r, "account").value_or("");
        a.ranks = r.at("ranks").get<std::int64_t>();
        a.threads_per_rank = r.at("threads_per_rank").get<std::int64_t>();
        a.gpus = r.at("gpus").get<std::int64_t>();
        a.start_ms = r.at("start_ms").get<std::int64_t>();
        a.end_ms = optional_field<std::int64_t>(r, "end_ms");
        a.exit_code = optional_field<int>(r, "exit_code");
        a.deadline_ms = optional_field<std::int64_t>(r, "deadline_ms");
        a.budget_end_ms = optional_field<std::int64_t>(r, "budget_end_ms");
        a.budget_warning_ms = optional_field<std::int64_t>(r, "budget_warning_ms");
        a.start_step = optional_field<std::int64_t>(r, "start_step").value_or(0);
        if (const auto slurm = r.find("slurm"); slurm != r.end()) {
            a.slurm = slurm_of(*slurm);
            a.job = r.at("job").get<int>();
            a.end_stage = r.at("end_stage").get<std::size_t>();
        }
        if (const auto ending = r.find("ending"); ending != r.end()) {
            a.ending = kEndings.parse(ending->get<std::string>(), path);
            a.ending_detail = r.at("ending_detail").get<std::string>();
            a.bad_nodes = r.at("bad_nodes").get<std::vector<std::string>>();
            a.goes_on = kWaysOn.parse(r.at("goes_on").get<std::string>(), path);
        }
        a.end_step = optional_field<std::int64_t>(r, "end_step");
        return a;
    });
}

void write_ranks(const RunDirectory& run, int attempt, const std::vector<RankPlace>& ranks) {
    Json list = Json::array();
    for (const RankPlace& place : ranks)
        list.push_back({{"rank", place.rank},
                        {"host", place.host},
                        {"pid", place.pid},
                        {"device", text_json(place.device)}});
    write_record(run.attempt_ranks(attempt),
                 {{"schema", kSchema}, {"up_ms", utc_milliseconds()}, {"ranks", list}});
}

void note_from_step(const RunDirectory& run, int attempt, std::int64_t step) {
    std::optional<Json> record = read_record(run.attempt_ranks(attempt), kSchema);
    if (!record) return;
    (*record)["from_step"] = step;
    write_record(run.attempt_ranks(attempt), *record);
}

std::optional<RanksBeginning> read_ranks_beginning(const RunDirectory& run, int attempt) {
    const auto read = read_fields(run.attempt_ranks(attempt), kSchema, [](const Json& record) {
        return std::pair(optional_field<std::int64_t>(record, "up_ms"),
                         optional_field<std::int64_t>(record, "from_step"));
    });
    if (!read || !read->first) return std::nullopt;
    return RanksBeginning{*read->first, read->second};
}

std::vector<RankPlace> read_ranks(const RunDirectory& run, int attempt) {
    const auto read = read_fields(run.attempt_ranks(attempt), kSchema, [](const Json& record) {
        std::vector<RankPlace> ranks;
        for (const Json& place : record.at("ranks"))
            ranks.push_back({place.at("rank").get<int>(), place.at("host").get<std::string>(),
                             place.at("pid").get<std::int64_t>(),
                             place.at("device").get<std::string>()});
        return ranks;
    });
    return read.value_or(std::vector<RankPlace>{});
}

void write_outcome(const RunDirectory& run, int attempt, const OutcomeRecord& record) {
    write_record(run.attempt_outcome(attempt), {{"schema", kSchema},
                                                {"outcome", kOutcomes.of(record.outcome)},
                                                {"reason", kReasons.of(record.reason)},
                                                {"step", record.step},
                                                {"end_ms", record.end_ms}});
}

std::optional<OutcomeRecord> read_outcome(const RunDirectory& run, int attempt) {
    const fs::path path = run.attempt_outcome(attempt);
    return read_fields(path, kSchema, [&](const Json& r) {
        const auto reason = optional_field<std::string>(r, "reason");
        return OutcomeRecord{kOutcomes.parse(r.at("outcome").get<std::string>(), path),
                             r.at("step").get<std::int64_t>(), r.at("end_ms").get<std::int64_t>(),
                             reason ? kReasons.parse(*reason, path) : StopReason::kNone};
    });
}

void write_rank_error(const RunDirectory& run, int attempt, const RankError& error) {
    write_record(run.attempt_error(attempt, error.rank), {{"schema", kSchema},
                                                          {"rank", error.rank},
                                                          {"host", error.host},
                                                          {"message", text_json(error.message)},
                                                          {"exit_code", error.exit_code},
                                                          {"hung", error.hung}});
}

std::vector<RankError> read_rank_errors(const RunDirectory& run, int attempt) {
    std::vector<RankError> errors;
    std::error_code error;
    for (fs::directory_iterator it(run.attempt(attempt), error), end; !error && it != end;
         it.increment(error))
        if (const auto rank = rank_in_name(it->path().filename().string()))
            errors.push_back(read_rank_error(it->path(), *rank));
    std::sort(errors.begin(), errors.end(),
              [](const RankError& a, const RankError& b) { return a.rank < b.rank; });
    return errors;
}

const char* to_string(Ending ending) {
    return kEndings.of(ending);
}

AttemptRecord describe_launcher(std::int64_t pid) {
    AttemptRecord record;
    record.user = user_name();
    record.host = host_name();
    record.launcher_pid = pid;
    record.launcher_start_ticks = process_start_ticks(record.launcher_pid).value_or(0);
    record.boot_id = boot_id();
    return record;
}

}  // namespace r1
