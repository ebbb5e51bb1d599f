// SPDX-License-Identifier: Apache-2.0
// The fixtures of tests/fixtures/make_reference.py, read into what r1ctl works with.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "mpi_runtime/model/packed_batch.h"
#include "mpi_runtime/model/parameter_layout.h"

namespace r1::test {

/// "reference-<name>.json".
nlohmann::json load_reference(const std::string& name);

inline std::vector<double> numbers(const nlohmann::json& values) {
    return values.get<std::vector<double>>();
}

ModelShape reference_shape(const nlohmann::json& model);
/// The flat buffer; fails the test unless the names and shapes are the layout's.
std::vector<double> reference_parameters(const nlohmann::json& model,
                                         const ParameterLayout& layout);
PackedBatch reference_batch(const nlohmann::json& model);
/// Tokens in the loss, by sequence.
std::vector<double> completion_lengths(const nlohmann::json& model);

/// The largest difference over the largest expected value: rounding errors of a sum are in
/// proportion to its terms, so that an element near 0 has no relative precision of its own.
template <class T>
double relative_error(std::span<const T> actual, const std::vector<double>& expected) {
    if (actual.size() != expected.size()) return INFINITY;
    double worst = 0;
    double largest = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double difference = std::abs(static_cast<double>(actual[i]) - expected[i]);
        worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
        largest = std::max(largest, std::abs(expected[i]));
    }
    return worst / largest;
}

template <class T>
void expect_close(std::span<const T> actual, const std::vector<double>& expected, double tolerance,
                  const std::string& what) {
    EXPECT_LT(relative_error(actual, expected), tolerance) << what;
}

inline void expect_close(double actual, double expected, double tolerance,
                         const std::string& what) {
    expect_close(std::span<const double>(&actual, 1), {expected}, tolerance, what);
}

/// Every tensor of a flat buffer against {name: values}.
template <class T>
void expect_tensors_close(const ParameterLayout& layout, const std::vector<T>& actual,
                          const nlohmann::json& expected, double tolerance) {
    ASSERT_EQ(layout.views().size(), expected.size());
    for (const ParameterView& view : layout.views())
        expect_close(std::span<const T>(actual).subspan(view.offset, view.count),
                     numbers(expected.at(view.name)), tolerance, view.name);
}

}  // namespace r1::test
