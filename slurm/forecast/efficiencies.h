// SPDX-License-Identifier: Apache-2.0
// How far a run stays behind what its devices can do at most.
#pragma once

#include <string>

#include "slurm/forecast/layout.h"

namespace r1 {

/// What share of the device's peak a phase reaches, and what it costs besides. Every one is an
/// assumption unless it has been calibrated.
struct Efficiencies {
    double training = 0;        ///< of flops, forward and backward
    double prefill = 0;         ///< of flops, forward only
    double decode = 0;          ///< of memory_bandwidth or flops, whichever binds
    double network = 0;         ///< of the bandwidths
    double step_seconds = 0;    ///< of a step, besides its work
    double layer_seconds = 0;   ///< of one block in one decoding iteration, besides its work
    double save_seconds = 0;    ///< for which a save of a checkpoint holds the ranks up
    double start_seconds = 0;   ///< from the start of the command to the first step
    double token_share = 1;     ///< of expected tokens that outputs have turned out to have
    double sequence_share = 1;  ///< the same of the sequences of sft
    double longest_ratio = 0;   ///< the longest output of a rollout by the mean; 0: not known
    double prompt_tokens = 0;   ///< mean, where a recipe does not say; 0: not known
    std::string source;         ///< "assumed", "calibrated from run …"
};
Efficiencies assumed_efficiencies(const Layout& layout);

}  // namespace r1
