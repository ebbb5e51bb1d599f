// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/advantage.h"

#include <algorithm>
#include <cmath>

namespace r1 {

namespace {

struct Moments {
    double mean = 0;
    double deviation = 0;
};

/// `lost` is 1 for the deviation with n − 1, 0 for n. Fewer than two values have deviation 0.
Moments moments(std::span<const double> values, double lost) {
    Moments result;
    const auto count = static_cast<double>(values.size());
    for (const double value : values) result.mean += value / count;
    if (count - lost <= 0) return result;
    double squares = 0;
    for (const double value : values) squares += (value - result.mean) * (value - result.mean);
    result.deviation = std::sqrt(squares / (count - lost));
    return result;
}

std::vector<double> standardised(std::span<const double> rewards, double lost, double epsilon) {
    const Moments all = moments(rewards, lost);
    std::vector<double> advantages;
    for (const double reward : rewards)
        advantages.push_back((reward - all.mean) / (all.deviation + epsilon));
    return advantages;
}

std::vector<double> leave_one_out(std::span<const double> rewards) {
    std::vector<double> advantages;
    for (std::size_t own = 0; own < rewards.size(); ++own) {
        std::vector<double> others(rewards.begin(), rewards.end());
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(own));
        if (others.empty()) return {0};
        const Moments rest = moments(others, 1);
        const double difference = rewards[own] - rest.mean;
        advantages.push_back(rest.deviation > 0 ? difference / (rest.deviation + 1e-6)
                                                : difference);
    }
    return advantages;
}

}  // namespace

std::vector<double> group_advantages(std::span<const double> rewards, AdvantageKind kind) {
    if (rewards.size() == 1 && kind == AdvantageKind::kVerl) return {rewards[0] / (1 + 1e-6)};
    // Equal rewards carry no signal; rounding in the mean must not make one up.
    if (std::all_of(rewards.begin(), rewards.end(), [&](double r) { return r == rewards[0]; }))
        return std::vector<double>(rewards.size(), 0.0);
    switch (kind) {
        case AdvantageKind::kVerl:
            return standardised(rewards, 1, 1e-6);
        case AdvantageKind::kTrl:
            return standardised(rewards, 1, 1e-4);
        case AdvantageKind::kGrpoZero:
            return standardised(rewards, 0, 1e-4);
        case AdvantageKind::kNemoRl:
            return leave_one_out(rewards);
        case AdvantageKind::kDrGrpo:
            break;
    }
    std::vector<double> advantages;
    const double mean = moments(rewards, 1).mean;
    for (const double reward : rewards) advantages.push_back(reward - mean);
    return advantages;
}

}  // namespace r1
