// SPDX-License-Identifier: Apache-2.0
// How an attempt ended, and whether the run goes on. Pure decisions; cli/commands/attempt acts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/attempt.h"
#include "recipes/recipe.h"
#include "slurm/profile.h"

namespace r1 {

/// What is known when the ranks of an attempt are gone.
struct EndFacts {
    std::optional<OutcomeRecord> outcome;
    std::vector<RankError> errors;        ///< the first that failed first
    int status = 0;                       ///< of srun or mpirun, in the shell's convention
    bool cancelled = false;               ///< the user wished the run to stop
    bool signalled = false;               ///< the job script was signalled
    bool superseded = false;              ///< a newer attempt exists
    std::optional<std::int64_t> left_ms;  ///< until the time limit
    /// Nodes that the prologue found unable to start ranks, each with the reason.
    std::vector<std::pair<std::string, std::string>> unfit_nodes;
    std::string log;  ///< the end of the ranks' log: srun and mpirun name killed ranks there
};

struct EndFinding {
    Ending ending = Ending::kLost;
    std::string detail;                  ///< for people
    std::vector<std::string> bad_nodes;  ///< on which ranks died or hung
    int exit_code = 1;                   ///< of the job script
};
EndFinding find_ending(const EndFacts& facts);

/// What the job script does next.
struct NextStep {
    GoesOn goes_on = GoesOn::kNot;
    std::vector<std::string> excluded;  ///< nodes that a follow-up job leaves out
    std::string why;  ///< why the run does not go on; empty when it does or is done
};

/// `attempts` are all of the run in order, the newest last and with its ending. `spare_nodes` is
/// how many usable nodes the partition has beyond those that the job needs; 0 when it is not known.
NextStep decide_next(const std::vector<AttemptRecord>& attempts, const ResourcesSection& resources,
                     const ClusterProfile& profile, std::int64_t spare_nodes);

}  // namespace r1
