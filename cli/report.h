// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/run_directory.h"
#include "cli/context.h"
#include "common/subprocess.h"

namespace r1::cli {

/// How an attempt ended, as its launcher saw it.
struct AttemptEnd {
    int attempt = 0;
    ProcessEnd process;
    bool killed_on_request = false;
};

/// Writes summary.json, prints the report on context.out, and on context.err why the attempt
/// failed, if it did. The run's bill also goes to the end of the attempt's log. Returns the exit
/// code.
int report_attempt(const RunDirectory& run, const AttemptEnd& end, Context& context);

}  // namespace r1::cli
