// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/lease.h"
#include "checkpoint/retention.h"
#include "cli/commands/checkpoint_target.h"
#include "cli/context.h"

namespace r1::cli {

struct CheckpointPruneOptions : CheckpointOptions {
    RetentionPolicy policy;
    bool dry_run = false;
    LeaseTiming timing;
};

void add_checkpoint_prune(CLI::App& app, Context& context);  // flags only
/// Removes what the policy does not keep. Throws Error (kRunFailed) naming who writes to the run.
int run_checkpoint_prune(const CheckpointPruneOptions& options, Context& context);

}  // namespace r1::cli
