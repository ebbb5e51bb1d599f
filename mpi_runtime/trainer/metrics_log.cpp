// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/metrics_log.h"

#include <cstdint>
#include <nlohmann/json.hpp>

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
    out_.append(full.dump());
}

}  // namespace r1
