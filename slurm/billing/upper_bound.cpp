// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/upper_bound.h"

namespace r1 {

Bill upper_bound(const JobPlan& plan, const CostSection& prices, std::int64_t start_ms) {
    Charge charge;
    charge.allocated.gpus = plan.paid_gpus;
    charge.allocated.nodes = plan.nodes;
    charge.allocated.cores = plan.paid_cores;
    charge.start_ms = start_ms;
    charge.end_ms = start_ms + plan.time_limit_s * 1000;
    charge.rates = rates_of(prices, plan.partition, plan.gpu_type);
    return bill_of(charge);
}

}  // namespace r1
