// SPDX-License-Identifier: Apache-2.0
// Stops runs, each where it is: in Slurm's queue, on its nodes, or on this host.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "slurm/run_view.h"

namespace r1::cli {

struct CancelWishes {
    bool now = false;
    bool wait = true;
    double grace_s = 600;
    double files_s = 0.2;
    double ask_s = 5;
};

/// What became of one run.
struct Cancelled {
    RunView view;
    bool stopped = false;  ///< as wished
    std::string text;      ///< for people
};

/// The wish is on disk before Slurm is asked for anything. Throws Error (kScheduler) when Slurm
/// does not answer; the wish stands.
std::vector<Cancelled> cancel_submitted(const std::vector<RunView>& views, Scheduler& scheduler,
                                        const CancelWishes& wishes, Context& context);

/// A run whose launcher lives on this host, or whose orphaned ranks do.
Cancelled cancel_local(const RunView& view, const CancelWishes& wishes, Context& context);

/// "saved step 120 and stopped", "there is no checkpoint yet": what is left of it.
std::string saved_text(const RunDirectory& run);

}  // namespace r1::cli
