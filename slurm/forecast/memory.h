// SPDX-License-Identifier: Apache-2.0
// What a stage keeps in the memory of one device.
#pragma once

#include <string>
#include <vector>

#include "slurm/forecast/layout.h"
#include "slurm/forecast/lengths.h"

namespace r1 {

struct MemoryPart {
    std::string name;  ///< "weights", "gradients", "optimizer", "reference", "KV cache",
                       ///< "activations", "saved copy" (CPU), "program"
    double bytes = 0;
};
struct MemoryForecast {
    std::vector<MemoryPart> parts;  ///< of one device
    double total = 0;
    double capacity = 0;  ///< 0: not known
    bool fits() const { return capacity == 0 || total <= capacity; }
};

/// Of the device of one rank while the stage runs and evaluates. Throws as split_of().
MemoryForecast memory_of(const Recipe& recipe, const StageSection& stage, const Layout& layout,
                         const Hardware& hardware, const Efficiencies& efficiencies);

/// Sequences that one rank decodes at once, by rollout.batch_size, rollout.kv_cache and how many
/// there are; every place is long enough for its longest output and the prompt that it shares.
double decoding_places(const Recipe& recipe, const StageSection& stage, const Lengths& lengths,
                       double outputs, const Layout& layout);

/// Sequences of one step, over all ranks.
double sequences_of(const StageSection& stage);

/// Outputs that one replica draws in a rollout (a step of a sample stage); 0 for sft.
double outputs_of_replica(const StageSection& stage, const Split& split);

}  // namespace r1
