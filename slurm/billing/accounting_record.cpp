// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json.h"
#include "slurm/billing/ledger.h"

namespace r1 {

namespace {

constexpr int kSchema = 1;

// Names and comments of jobs may hold bytes of any kind; a record never fails to be written for it.
Json text_json(const std::string& text) {
    return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
}

Json time_json(const std::optional<std::int64_t>& seconds) {
    return seconds ? Json(*seconds) : Json(nullptr);
}

std::optional<std::int64_t> time_of(const Json& seconds) {
    if (seconds.is_null()) return std::nullopt;
    return seconds.get<std::int64_t>();
}

Json start_json(const PastJob& start) {
    return {{"job", start.id.number},
            {"cluster", text_json(start.id.cluster)},
            {"name", text_json(start.name)},
            {"comment", text_json(start.comment)},
            {"user", text_json(start.user)},
            {"account", text_json(start.account)},
            {"partition", text_json(start.partition)},
            {"state", text_json(start.state.text)},
            {"exit_code", text_json(start.exit_code)},
            {"nodes", text_json(start.nodes)},
            {"allocated", text_json(start.allocated)},
            {"submit_s", time_json(start.submit_s)},
            {"start_s", time_json(start.start_s)},
            {"end_s", time_json(start.end_s)},
            {"suspended_s", start.suspended_s}};
}

PastJob start_of(const Json& record) {
    PastJob start;
    start.id = {record.at("job").get<std::int64_t>(), record.at("cluster").get<std::string>()};
    start.name = record.at("name").get<std::string>();
    start.comment = record.at("comment").get<std::string>();
    start.user = record.at("user").get<std::string>();
    start.account = record.at("account").get<std::string>();
    start.partition = record.at("partition").get<std::string>();
    start.state = parse_job_state(record.at("state").get<std::string>());
    start.exit_code = record.at("exit_code").get<std::string>();
    start.nodes = record.at("nodes").get<std::string>();
    start.allocated = record.at("allocated").get<std::string>();
    start.submit_s = time_of(record.at("submit_s"));
    start.start_s = time_of(record.at("start_s"));
    start.end_s = time_of(record.at("end_s"));
    start.suspended_s = record.at("suspended_s").get<std::int64_t>();
    return start;
}

}  // namespace

void write_accounting(const RunDirectory& run, const AccountingRecord& record) {
    Json starts = Json::array();
    for (const PastJob& start : record.starts) starts.push_back(start_json(start));
    write_record(run.accounting(), {{"schema", kSchema},
                                    {"asked_ms", record.asked_ms},
                                    {"available", record.available},
                                    {"starts", starts}});
}

std::optional<AccountingRecord> read_accounting(const RunDirectory& run) {
    const std::optional<Json> json = read_record(run.accounting(), kSchema);
    if (!json) return std::nullopt;
    try {
        AccountingRecord record;
        record.asked_ms = json->at("asked_ms").get<std::int64_t>();
        record.available = json->at("available").get<bool>();
        for (const Json& start : json->at("starts")) record.starts.push_back(start_of(start));
        return record;
    } catch (const Json::exception& e) {
        throw Error(ExitCode::kRunFailed, "'" + run.accounting().string() +
                                              "' is damaged: " + e.what() +
                                              "; without it Slurm's accounting is asked again");
    }
}

}  // namespace r1
