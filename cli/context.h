// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>

#include "slurm/scheduler.h"

namespace r1::cli {

/// What every verb gets: where its result goes, where its log goes, and whom it asks.
struct Context {
    std::ostream& out;
    std::ostream& err;
    bool terminal = false;  ///< err is a terminal: lines may be rewritten
    int exit_code = 0;
    /// Called by what needs a cluster, and by nothing else.
    std::function<std::unique_ptr<Scheduler>()> make_scheduler = [] {
        return make_slurm_scheduler();
    };
};

}  // namespace r1::cli
