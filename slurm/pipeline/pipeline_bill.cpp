// SPDX-License-Identifier: Apache-2.0
#include "slurm/pipeline/pipeline_bill.h"

namespace r1 {

Money cost_of(std::int64_t gpu_hours, HourlyPrice price) {
    constexpr std::int64_t kMillisecondsPerHour = 3'600'000;
    return Money::of(price, gpu_hours * kMillisecondsPerHour);
}

PipelineBill bill_of(const PipelineRow& row, HourlyPrice price) {
    const std::int64_t gpu_hours =
        row.published_hours > 0 ? row.gpus * row.published_hours : row.published_gpu_hours;
    return {gpu_hours, cost_of(gpu_hours, price)};
}

PipelineTotal total_of(const Pipeline& pipeline) {
    PipelineTotal total;
    const HourlyPrice price = *pipeline.price_per_gpu_hour;
    for (const PipelineRow& row : pipeline.rows) {
        const PipelineBill bill = bill_of(row, price);
        total.exact.gpu_hours += bill.gpu_hours;
        total.exact.cost += bill.cost;
        total.printed.gpu_hours += row.published_gpu_hours;
    }
    total.printed.cost = cost_of(total.printed.gpu_hours, price);
    return total;
}

}  // namespace r1
