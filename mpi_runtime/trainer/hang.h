// SPDX-License-Identifier: Apache-2.0
// Who hangs, when a rank has waited for long. Ranks that live answer a roll call with what they do;
// one that is frozen, or whose node is gone, does not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/run_directory.h"

namespace r1 {

/// A rank's answer to a roll call: hang-rank<N>.json in the attempt's folder.
struct SignOfLife {
    int rank = 0;
    std::string node;
    std::string activity;           ///< of its main thread
    bool in_collective = false;     ///< it waits for others
    std::int64_t collectives = 0;   ///< entered so far
    double seconds_since_beat = 0;  ///< by its own clock
    std::string call;               ///< which roll call it answers
};
void write_sign_of_life(const RunDirectory& run, int attempt, const SignOfLife& sign);

/// The answers to one call, by rank; nullopt for ranks that did not answer it.
using Answers = std::vector<std::optional<SignOfLife>>;
Answers read_answers(const RunDirectory& run, int attempt, int ranks, const std::string& call);

/// The rank that holds the others up: the first of those without an answer, else of those that do
/// something else than wait and do not go on with it, else of those that entered the fewest
/// collectives. nullopt when the ranks that are waited for still work.
std::optional<int> find_suspect(const Answers& answers, double limit_seconds);

/// How long the main thread has made no progress, as far as this process was running: time in which
/// it was stopped as a whole, as when Slurm suspends a job, does not count.
class Silence {
  public:
    /// `longest_gap`: seconds between two looks that are believed.
    explicit Silence(double longest_gap) : longest_gap_(longest_gap) {}
    /// Looks come in the order of `now`, in seconds.
    void look(double now, std::int64_t beats);
    double seconds() const { return seconds_; }

  private:
    double longest_gap_;
    double seconds_ = 0;
    std::optional<double> last_look_;
    std::int64_t beats_ = -1;
};

}  // namespace r1
