// SPDX-License-Identifier: Apache-2.0
// What a job script calls; nobody types it. `begin` and `end` run once, on the node of the script;
// `node` once on every node between them.
#pragma once

#include <cstdint>
#include <filesystem>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace r1::cli {

struct AttemptOptions {
    std::filesystem::path run;
    int job = 0;             ///< begin: the number of the job's record
    std::int64_t shell = 0;  ///< begin: process id of the job script
    int attempt = 0;         ///< node, end
    int status = 0;          ///< end: of srun or mpirun, in the shell's convention
    bool signalled = false;  ///< end: the script was signalled
};

void add_attempt(CLI::App& app, Context& context);  // flags only

/// Claims the run for this job and prints "<attempt> <deadline>", the deadline in seconds since
/// 1970 by this node's clock, 0 for none. Prints nothing where there is nothing to do: the run is
/// completed or cancelled, or an earlier stage's job has to come first and was asked to.
int run_attempt_begin(const AttemptOptions& options, Context& context);

/// Writes what this node has: its GPUs, and whether it can start the ranks. Returns 1 and says why
/// when it cannot.
int run_attempt_node(const AttemptOptions& options, Context& context);

/// Writes how the attempt ended and what it cost, and arranges what comes next: nothing, the same
/// job again, or a follow-up job. Returns the job's exit code. Queueing the job again ends the
/// caller.
int run_attempt_end(const AttemptOptions& options, Context& context);

}  // namespace r1::cli
