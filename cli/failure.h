// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/attempt.h"
#include "checkpoint/run_directory.h"
#include "common/subprocess.h"

namespace r1::cli {

/// Why an attempt did not end well.
struct Failure {
    std::string message;
    int exit_code = 1;
};

/// From the record of the rank that failed first, or, when the ranks left none, from how they ended
/// and from mpirun's own words in the log.
Failure explain_failure(const RunDirectory& run, int attempt, const ProcessEnd& end);

/// What the ranks of an attempt said went wrong, the first to say it first.
std::vector<RankError> errors_by_time(const RunDirectory& run, int attempt);

/// The end of a log, as it is: at most the last 16 KiB.
std::string end_of_log(const std::filesystem::path& log);

/// The last lines of a log, indented and safe to print; empty when there is none.
std::string log_tail(const std::filesystem::path& log);

}  // namespace r1::cli
