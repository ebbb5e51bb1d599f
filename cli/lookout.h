// SPDX-License-Identifier: Apache-2.0
// Looks at runs again and again: at their records often, at the cluster's queue seldom.
#pragma once

#include <memory>
#include <vector>

#include "cli/context.h"
#include "slurm/run_view.h"

namespace r1::cli {

struct LookTimes {
    double files_s = 0.5;
    double ask_s = 30;          ///< between two questions to the scheduler
    double ask_at_most_s = 60;  ///< while nothing changes
};

/// completed, stopped, failed, interrupted: nothing will change it by itself. A run without jobs
/// that nobody has started counts too; one whose orphaned ranks still save does not.
bool has_ended(const RunView& view);

/// The scheduler, or null when none of the runs was ever submitted.
std::unique_ptr<Scheduler> scheduler_for(const std::vector<RunDirectory>& runs, Context& context);

class Lookout {
  public:
    Lookout(std::vector<RunDirectory> runs, Context& context, LookTimes times = {});
    /// What is known now. Asks the scheduler when it is time to; in between the records of a
    /// submitted run can only say that an attempt began, or that the run is completed.
    const std::vector<RunView>& look();
    /// Sleeps until the records are worth another look; shorter when `stopped` becomes true.
    template <class Stopped>
    void rest(const Stopped& stopped) const {
        for (double slept = 0; slept < times_.files_s && !stopped(); slept += kSlice) nap();
    }

  private:
    static constexpr double kSlice = 0.05;
    static void nap();
    bool has_new_end(const std::vector<RunView>& views) const;
    void ask(double now);
    void read_records();

    std::vector<RunDirectory> runs_;
    std::unique_ptr<Scheduler> scheduler_;
    LookTimes times_;
    std::vector<RunView> views_;
    std::vector<int> attempts_;  ///< the newest of each run at the last question
    double next_ask_ = 0;
    double interval_ = 0;
};

}  // namespace r1::cli
