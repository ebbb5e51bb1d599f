// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/phase_time.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace r1 {

namespace {

constexpr std::array<const char*, 4> kNames = {"flops", "memory bandwidth", "network", "overhead"};

template <class Values>
std::size_t largest(const Values& values) {
    return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) -
                                    values.begin());
}

}  // namespace

void PhaseTime::add(const Demand& demand) {
    const std::array<double, 3> needs = {demand.flops, demand.memory, demand.network};
    const std::size_t most = largest(needs);
    seconds_[most] += needs[most];
}

void PhaseTime::add_overhead(double seconds) {
    seconds_.back() += seconds;
}

void PhaseTime::add(const PhaseTime& other, double times) {
    for (std::size_t i = 0; i < seconds_.size(); ++i) seconds_[i] += times * other.seconds_[i];
}

double PhaseTime::seconds() const {
    return std::accumulate(seconds_.begin(), seconds_.end(), 0.0);
}

std::string PhaseTime::bound() const {
    return kNames[largest(seconds_)];
}

}  // namespace r1
