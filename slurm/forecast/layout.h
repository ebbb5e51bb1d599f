// SPDX-License-Identifier: Apache-2.0
// Where the ranks are, and which part of a model each has.
#pragma once

#include <cstdint>

#include "recipes/recipe.h"
#include "slurm/forecast/hardware.h"

namespace r1 {

/// Where the ranks are.
struct Layout {
    std::int64_t ranks = 1;
    std::int64_t nodes = 1;
    std::int64_t threads_per_rank = 1;
    bool gpus = false;
};

/// The recipe's parallel section on the layout's ranks. Throws Error (kUsage) when the ranks are no
/// multiple of tensor × pipeline, or the data-parallel ranks none of expert.
struct Split {
    double tensor = 1;
    double pipeline = 1;
    double expert = 1;
    double replicas = 1;  ///< data-parallel ranks
    double shares() const { return tensor * pipeline; }
};
Split split_of(const ParallelSection& parallel, const Layout& layout);

/// Bytes of a weight as a model computes with it, of a kept activation and of a cached value.
double value_bytes(const TrainingSection& training, bool gpus);

/// Seconds in which a ring of `ranks` sends `bytes` around once, which is a reduce-scatter or an
/// all-gather: each sends all but its own part over its slowest link. `stride` is the distance of
/// neighbours in the order of ranks: 1 keeps a ring of a few ranks within a node.
double ring_seconds(double bytes, double ranks, double stride, const Layout& layout,
                    const Hardware& hardware);

}  // namespace r1
