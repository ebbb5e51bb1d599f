// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

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

/// The last lines of a log, indented and safe to print; empty when there is none.
std::string log_tail(const std::filesystem::path& log);

}  // namespace r1::cli
