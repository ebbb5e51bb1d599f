// SPDX-License-Identifier: Apache-2.0
// What a pipeline cost by what is published of it, exactly.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/money.h"
#include "slurm/pipeline/pipeline_file.h"

namespace r1 {

struct PipelineBill {
    std::int64_t gpu_hours = 0;
    Money cost;
};

/// GPUs × hours where both are published, otherwise the published GPU-hours; nothing for a row of
/// which nothing is published.
PipelineBill bill_of(const PipelineRow& row, HourlyPrice price);

struct PipelineTotal {
    PipelineBill exact;
    PipelineBill printed;  ///< of the GPU-hours as the rows print them
};
PipelineTotal total_of(const Pipeline& pipeline);

/// What so many GPU-hours cost.
Money cost_of(std::int64_t gpu_hours, HourlyPrice price);

}  // namespace r1
