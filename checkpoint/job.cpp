// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/job.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "checkpoint/record_fields.h"
#include "common/file.h"
#include "common/host.h"
#include "common/time.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

constexpr int kSchema = 1;

// The number in "12.json"; 0 for another name.
int number_in_name(const std::string& name) {
    int number = 0;
    const char* const end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data(), end, number);
    return parsed.ec == std::errc{} && std::string_view(parsed.ptr, end) == ".json" ? number : 0;
}

}  // namespace

void write_job(const RunDirectory& run, const JobRecord& job) {
    std::error_code error;
    fs::create_directories(run.jobs(), error);
    if (error) {
        errno = error.value();
        throw_system_error("make the folder", run.jobs().string());
    }
    Json record = {{"schema", kSchema},
                   {"number", job.number},
                   {"comment", job.comment},
                   {"submit_ms", job.submit_ms},
                   {"job", job.job ? Json(*job.job) : Json(nullptr)},
                   {"cluster", job.cluster},
                   {"partition", job.partition},
                   {"first_stage", job.first_stage},
                   {"end_stage", job.end_stage},
                   {"ranks", job.ranks},
                   {"nodes", job.nodes},
                   {"ranks_per_node", job.ranks_per_node},
                   {"threads_per_rank", job.threads_per_rank},
                   {"gpus_per_node", job.gpus_per_node},
                   {"gpu_type", job.gpu_type},
                   {"paid_gpus", job.paid_gpus},
                   {"paid_cores", job.paid_cores},
                   {"time_limit_s", job.time_limit_s},
                   {"after_runs", job.after_runs},
                   {"problem", job.problem}};
    write_record(run.job_record(job.number), record);
}

std::optional<JobRecord> read_job(const RunDirectory& run, int number) {
    return read_fields(run.job_record(number), kSchema, [&](const Json& r) {
        JobRecord job;
        job.number = number;
        job.comment = r.at("comment").get<std::string>();
        job.submit_ms = r.at("submit_ms").get<std::int64_t>();
        job.job = optional_field<std::int64_t>(r, "job");
        job.cluster = r.at("cluster").get<std::string>();
        job.partition = r.at("partition").get<std::string>();
        job.first_stage = r.at("first_stage").get<std::size_t>();
        job.end_stage = r.at("end_stage").get<std::size_t>();
        job.ranks = r.at("ranks").get<std::int64_t>();
        job.nodes = r.at("nodes").get<std::int64_t>();
        job.ranks_per_node = r.at("ranks_per_node").get<std::int64_t>();
        job.threads_per_rank = r.at("threads_per_rank").get<std::int64_t>();
        job.gpus_per_node = r.at("gpus_per_node").get<std::int64_t>();
        job.gpu_type = r.at("gpu_type").get<std::string>();
        job.paid_gpus = r.at("paid_gpus").get<std::int64_t>();
        job.paid_cores = r.at("paid_cores").get<std::int64_t>();
        job.time_limit_s = r.at("time_limit_s").get<std::int64_t>();
        job.after_runs = r.at("after_runs").get<std::vector<std::string>>();
        job.problem = r.at("problem").get<std::string>();
        return job;
    });
}

std::vector<JobRecord> read_jobs(const RunDirectory& run) {
    std::vector<int> numbers;
    std::error_code error;
    for (fs::directory_iterator it(run.jobs(), error), end; !error && it != end;
         it.increment(error))
        if (const int number = number_in_name(it->path().filename().string()))
            numbers.push_back(number);
    std::sort(numbers.begin(), numbers.end());
    std::vector<JobRecord> jobs;
    for (const int number : numbers)
        if (auto job = read_job(run, number)) jobs.push_back(std::move(*job));
    return jobs;
}

void request_cancel(const RunDirectory& run) {
    write_record(run.cancel_request(), {{"schema", kSchema},
                                        {"time_ms", utc_milliseconds()},
                                        {"host", host_name()},
                                        {"uid", ::getuid()}});
}

bool cancel_requested(const RunDirectory& run) {
    std::error_code ignored;
    return fs::exists(run.cancel_request(), ignored);
}

void withdraw_cancel(const RunDirectory& run) {
    std::error_code error;
    if (fs::remove(run.cancel_request(), error)) sync_folder(run.root());
    if (!error) return;
    errno = error.value();
    throw_system_error("remove", run.cancel_request().string());
}

}  // namespace r1
