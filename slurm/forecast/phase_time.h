// SPDX-License-Identifier: Apache-2.0
// Seconds of a phase, with what binds them.
#pragma once

#include <array>
#include <string>

namespace r1 {

/// What a part of a phase needs of each resource, in seconds. They run at the same time.
struct Demand {
    double flops = 0;
    double memory = 0;
    double network = 0;
};

/// A phase made of parts that follow each other.
class PhaseTime {
  public:
    /// The part takes the longest of its demands (Williams et al. 2009).
    void add(const Demand& demand);
    void add_overhead(double seconds);
    void add(const PhaseTime& other, double times = 1);
    double seconds() const;
    /// "flops", "memory bandwidth", "network" or "overhead": what most of the seconds are bound by.
    std::string bound() const;

  private:
    std::array<double, 4> seconds_{};  // by what binds them
};

}  // namespace r1
