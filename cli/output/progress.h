// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "cli/history.h"

namespace r1::cli {

/// How a run goes on, while it does. On a terminal one line is rewritten; elsewhere a line appears
/// at most every five seconds, and whenever the stage changes.
class Progress {
  public:
    Progress(std::ostream& err, bool terminal, bool quiet)
        : err_(err), terminal_(terminal), quiet_(quiet) {}

    /// "rl 20/50  step 120/550  reward 0.412  …  eta 2m07s  0.01 core-hours": on a terminal, what
    /// does not fit is left out. `spent` is what the run has used and cost so far, for people.
    void step(const StepRecord& record, const std::string& spent);
    void evaluation(const Evaluation& evaluation);
    /// A line that stays. Shown even when quiet.
    void note(const std::string& line);
    /// Leaves the last live line on the screen.
    void finish();

  private:
    void say(const std::string& line);

    std::ostream& err_;
    bool terminal_;
    bool quiet_;
    bool live_ = false;  ///< the cursor is at the end of a line that will be rewritten
    std::string stage_;
    double shown_at_ = -1e9;
    double step_seconds_ = 0;  ///< smoothed over the steps of the stage
};

/// How far the reading of many bytes is, on a terminal; elsewhere it prints nothing. One line,
/// rewritten ten times a second, from the first tenth on, and cleared in the end.
class BytesBar {
  public:
    /// `what` begins the line: "verify step-00000100".
    BytesBar(std::ostream& err, bool terminal, std::string what, std::uint64_t total);
    BytesBar(const BytesBar&) = delete;
    BytesBar& operator=(const BytesBar&) = delete;
    ~BytesBar();
    void at(std::uint64_t bytes);
    double seconds() const;  ///< since it was made

  private:
    std::ostream& err_;
    bool terminal_;
    std::string what_;
    std::uint64_t total_;
    double started_at_;
    double shown_at_;
    bool live_ = false;
};

/// "evaluation after rl (step 550): pass@1 0.812 [0.790, 0.834], pass@8 0.951, 256 prompts x 8".
std::string evaluation_text(const Evaluation& evaluation);

}  // namespace r1::cli
