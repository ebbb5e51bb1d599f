// SPDX-License-Identifier: Apache-2.0
// What the passes of one stage's model take on one device of a layout.
#pragma once

#include "slurm/forecast/lengths.h"
#include "slurm/forecast/model_count.h"
#include "slurm/forecast/phase_time.h"

namespace r1 {

/// Everything is of one replica: the ranks that together hold the model once.
class Machine {
  public:
    /// Borrows the recipe and its stage for as long as it lives. Throws as split_of().
    Machine(const Recipe& recipe, const StageSection& stage, const Layout& layout,
            const Hardware& hardware, const Efficiencies& efficiencies);

    const Split& split() const { return split_; }

    /// A forward pass over `rows` tokens, each of which attends to `context` others on average.
    PhaseTime forward(double rows, double context) const;
    /// Forward and backward of an update, in micro-batches.
    PhaseTime training(double rows, double context) const;
    /// The optimizer's step over the device's own part.
    PhaseTime optimizer() const;
    /// Gradients summed and new weights sent, over the data-parallel ranks.
    PhaseTime exchange() const;
    /// `outputs` outputs, decoded with continuous batching, of `prompts` prompts that are read
    /// once.
    PhaseTime rollout(double outputs, double prompts, const Lengths& lengths) const;
    /// Bytes of a checkpoint that one rank writes.
    double saved_bytes() const;

  private:
    double flops() const;
    double weight_bytes(double rows) const;
    double messages(double rows) const;
    double gathers() const;
    PhaseTime decoding(double outputs, const Lengths& lengths) const;

    const Recipe& recipe_;
    const StageSection& stage_;
    const ModelSection& model_;
    Layout layout_;
    Efficiencies efficiencies_;
    Hardware hardware_;
    Split split_;
    ModelCount count_;
    TokenCost token_;
    double bytes_;  // of a weight and of an activation
    double layers_;
};

/// In which a save copies a rank's state: the time for which training waits.
double copy_seconds(double bytes, bool gpus);

}  // namespace r1
