// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "common/random.h"
#include "kernels/cpu/isa.h"

namespace r1::test {

using Values = std::vector<double>;
using Numbers = std::vector<std::int32_t>;

/// Uniform in [-scale, scale], and exactly representable as float.
inline Values random_values(std::size_t count, std::uint32_t seed, double scale = 1) {
    RandomStream stream(PhiloxKey{1, 2}, seed);
    Values values(count);
    for (double& v : values) v = static_cast<float>((2 * stream.uniform() - 1) * scale);
    return values;
}

inline Numbers random_numbers(std::size_t count, std::uint32_t below, std::uint32_t seed) {
    RandomStream stream(PhiloxKey{3, 4}, seed);
    Numbers numbers(count);
    for (auto& n : numbers) n = static_cast<std::int32_t>(stream.below(below));
    return numbers;
}

template <class T>
std::vector<T> as(const Values& values) {
    std::vector<T> result(values.size());
    std::transform(values.begin(), values.end(), result.begin(),
                   [](double v) { return static_cast<T>(v); });
    return result;
}

/// An output that must be overwritten.
template <class T>
std::vector<T> poisoned(std::size_t count) {
    return std::vector<T>(count, std::numeric_limits<T>::quiet_NaN());
}

inline constexpr double kFloatEpsilon = std::numeric_limits<float>::epsilon();

/// Rounding errors of a float sum of n terms of size about 1 are about n · epsilon / 6 when their
/// signs are random; n epsilons leave room for the unlucky ones.
inline double tolerance(std::int64_t length, double magnitude = 1) {
    return kFloatEpsilon * static_cast<double>(length + 4) * magnitude;
}

inline void expect_near(const std::vector<float>& got, const Values& want, double allowed) {
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(got[i]), want[i],
                    allowed * std::max(1.0, std::abs(want[i])))
            << "element " << i;
    }
}

/// A suite that runs once for each instruction set of this machine.
class EachInstructionSet : public testing::TestWithParam<std::string> {
  protected:
    std::unique_ptr<Backend<float>> fast(int threads = 1) const {
        return make_cpu_backend_for(GetParam(), threads);
    }
};

}  // namespace r1::test
