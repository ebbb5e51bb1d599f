// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/metrics_log.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/log.h"
#include "common/time.h"

namespace r1 {

namespace {

const std::filesystem::path& trimmed(const std::filesystem::path& path, std::int64_t last_step) {
    std::uint64_t offset = 0;
    std::string kept;
    for (const Json& line : read_json_lines(path, offset))
        if (line.value("step", std::int64_t{-1}) <= last_step) kept += line.dump() + "\n";
    write_file_durably(path, kept);
    return path;
}

}  // namespace

StepLog::StepLog(const std::filesystem::path& path, std::int64_t keep_up_to_step)
    : out_(trimmed(path, keep_up_to_step)) {}

void StepLog::append(const Json& line) {
    Json full;
    full["schema"] = 1;
    full.update(line);
    full["time_ms"] = utc_milliseconds();
    const std::lock_guard lock(mutex_);
    waiting_.push_back(full.dump());
    try {
        write_waiting();
    } catch (const Error& error) {
        if (!complained_)
            log_error(std::string(error.what()) +
                      "; training goes on, and the lines are written "
                      "when there is room again");
        complained_ = true;
    }
}

void StepLog::write_waiting() {
    for (; !waiting_.empty(); waiting_.pop_front()) out_.append(waiting_.front());
    if (complained_) log_info("the lines that had waited for room on the disk are written");
    complained_ = false;
}

void StepLog::sync() {
    {
        const std::lock_guard lock(mutex_);
        write_waiting();
    }
    out_.sync();
}

double longest_in(const std::filesystem::path& path, const char* key) {
    std::uint64_t offset = 0;
    double longest = 0;
    for (const Json& line : read_json_lines(path, offset)) {
        const auto value = line.find(key);
        if (value != line.end() && value->is_number())
            longest = std::max(longest, value->get<double>());
    }
    return longest;
}

}  // namespace r1
