// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/attempt.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <system_error>

#include "checkpoint/process.h"
#include "common/error.h"
#include "common/json.h"
#include "common/time.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

constexpr int kSchema = 1;

// Runs `read` on the record; a missing key or a wrong type becomes an Error with the file's name.
template <class Read>
auto read_fields(const fs::path& path, Read read)
    -> std::optional<decltype(read(std::declval<const Json&>()))> {
    const std::optional<Json> record = read_record(path, kSchema);
    if (!record) return std::nullopt;
    try {
        return read(*record);
    } catch (const Json::exception& e) {
        throw Error(ExitCode::kRunFailed, "'" + path.string() + "' is damaged: " + e.what());
    }
}

template <class T>
std::optional<T> optional_field(const Json& record, const char* key) {
    const auto value = record.find(key);
    if (value == record.end() || value->is_null()) return std::nullopt;
    return value->get<T>();
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
        const auto read = read_fields(path, [&](const Json& r) {
            return RankError{rank, r.at("host").get<std::string>(),
                             r.at("message").get<std::string>(), r.at("exit_code").get<int>()};
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
                   {"ranks", a.ranks},
                   {"threads_per_rank", a.threads_per_rank},
                   {"gpus", a.gpus},
                   {"start_ms", a.start_ms}};
    if (a.end_ms) record["end_ms"] = *a.end_ms;
    if (a.exit_code) record["exit_code"] = *a.exit_code;
    write_record(run.attempt_record(a.number), record);
}

std::optional<AttemptRecord> read_attempt(const RunDirectory& run, int number) {
    return read_fields(run.attempt_record(number), [&](const Json& r) {
        AttemptRecord a;
        a.number = number;
        a.launcher = r.at("launcher").get<std::string>();
        a.host = r.at("host").get<std::string>();
        a.launcher_pid = r.at("launcher_pid").get<std::int64_t>();
        a.launcher_start_ticks = r.at("launcher_start_ticks").get<std::int64_t>();
        a.boot_id = r.at("boot_id").get<std::string>();
        a.ranks = r.at("ranks").get<std::int64_t>();
        a.threads_per_rank = r.at("threads_per_rank").get<std::int64_t>();
        a.gpus = r.at("gpus").get<std::int64_t>();
        a.start_ms = r.at("start_ms").get<std::int64_t>();
        a.end_ms = optional_field<std::int64_t>(r, "end_ms");
        a.exit_code = optional_field<int>(r, "exit_code");
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
    write_record(run.attempt_ranks(attempt), {{"schema", kSchema}, {"ranks", list}});
}

std::vector<RankPlace> read_ranks(const RunDirectory& run, int attempt) {
    const auto read = read_fields(run.attempt_ranks(attempt), [](const Json& record) {
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
    write_record(run.attempt_outcome(attempt),
                 {{"schema", kSchema},
                  {"outcome", record.outcome == Outcome::kCompleted ? "completed" : "stopped"},
                  {"step", record.step},
                  {"end_ms", record.end_ms}});
}

std::optional<OutcomeRecord> read_outcome(const RunDirectory& run, int attempt) {
    const fs::path path = run.attempt_outcome(attempt);
    return read_fields(path, [&](const Json& r) {
        const std::string outcome = r.at("outcome").get<std::string>();
        if (outcome != "completed" && outcome != "stopped")
            throw Error(ExitCode::kRunFailed, "'" + path.string() + "' names an unknown outcome");
        return OutcomeRecord{outcome == "completed" ? Outcome::kCompleted : Outcome::kStopped,
                             r.at("step").get<std::int64_t>(), r.at("end_ms").get<std::int64_t>()};
    });
}

void write_rank_error(const RunDirectory& run, int attempt, const RankError& error) {
    write_record(run.attempt_error(attempt, error.rank), {{"schema", kSchema},
                                                          {"rank", error.rank},
                                                          {"host", error.host},
                                                          {"message", text_json(error.message)},
                                                          {"exit_code", error.exit_code}});
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

AttemptRecord describe_this_launcher() {
    AttemptRecord record;
    record.host = host_name();
    record.launcher_pid = ::getpid();
    record.launcher_start_ticks = process_start_ticks(record.launcher_pid).value_or(0);
    record.boot_id = boot_id();
    return record;
}

}  // namespace r1
