// SPDX-License-Identifier: Apache-2.0
#include "cli/charged_runs.h"

#include <algorithm>
#include <map>

#include "cli/lookout.h"
#include "common/time.h"
#include "slurm/billing/ledger.h"

namespace r1::cli {

namespace {

/// A run with a problem is read each time, so that the problem is told each time.
bool has_problem(const RunDirectory& run, const std::vector<std::string>& problems) {
    return std::any_of(problems.begin(), problems.end(), [&](const std::string& problem) {
        return problem.starts_with(run.run_id() + ": ");
    });
}

}  // namespace

std::vector<ReadRun> read_runs(const std::vector<RunDirectory>& runs, Context& context,
                               std::vector<std::string>& problems) {
    const auto scheduler = scheduler_for(runs, context);
    std::map<std::filesystem::path, std::string> states;
    for (const RunView& view : view_runs(runs, scheduler.get()))
        states[view.run.root()] = to_string(view.state);
    std::vector<ReadRun> found;
    for (LedgerRow& row : read_ledger(runs, scheduler.get(), utc_milliseconds(), problems)) {
        const std::string state = states[row.run.root()];
        const bool open = row.open || has_problem(row.run, problems);
        found.push_back({std::move(row.run), state, std::move(row.charges), open});
    }
    return found;
}

}  // namespace r1::cli
