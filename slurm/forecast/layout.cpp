// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/layout.h"

#include <string>

#include "common/error.h"

namespace r1 {

namespace {

double real(std::int64_t value) {
    return static_cast<double>(value);
}

}  // namespace

Split split_of(const ParallelSection& parallel, const Layout& layout) {
    const std::int64_t shares = parallel.tensor * parallel.pipeline;
    if (layout.ranks % shares != 0)
        throw Error(ExitCode::kUsage, "parallel.tensor x parallel.pipeline is " +
                                          std::to_string(shares) + ", and the " +
                                          std::to_string(layout.ranks) +
                                          " ranks are no multiple of it; change resources.ranks");
    const std::int64_t replicas = layout.ranks / shares;
    if (replicas % parallel.expert != 0)
        throw Error(ExitCode::kUsage, "parallel.expert is " + std::to_string(parallel.expert) +
                                          ", and there are " + std::to_string(replicas) +
                                          " data-parallel ranks, no multiple of it; change "
                                          "parallel.expert or resources.ranks");
    return {real(parallel.tensor), real(parallel.pipeline), real(parallel.expert), real(replicas)};
}

double value_bytes(const TrainingSection& training, bool gpus) {
    const bool wide =
        training.precision == Precision::kFp32 || (training.precision == Precision::kAuto && !gpus);
    return wide ? 4 : 2;
}

double ring_seconds(double bytes, double ranks, double stride, const Layout& layout,
                    const Hardware& hardware) {
    if (ranks <= 1) return 0;
    const double per_node = real(layout.ranks) / real(layout.nodes);
    const bool within = layout.nodes == 1 || ranks * stride <= per_node;
    const double bandwidth = within ? hardware.node_bandwidth : hardware.network_bandwidth;
    return bytes * (ranks - 1) / ranks / bandwidth;
}

}  // namespace r1
