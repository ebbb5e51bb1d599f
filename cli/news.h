// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "checkpoint/run_directory.h"
#include "cli/output/progress.h"

namespace r1::cli {

/// Reads what a run's ranks have written since the last look, and shows it as progress.
class News {
  public:
    /// Both outlive it.
    News(const RunDirectory& run, Progress& progress) : run_(run), progress_(progress) {}

    /// What is there already is not news.
    void skip_what_is_there();
    /// `spent` is asked for each new step: what the run has used and cost so far.
    void show(const std::function<std::string()>& spent);

  private:
    const RunDirectory& run_;
    Progress& progress_;
    std::uint64_t metrics_offset_ = 0;
    std::uint64_t evaluations_offset_ = 0;
};

}  // namespace r1::cli
