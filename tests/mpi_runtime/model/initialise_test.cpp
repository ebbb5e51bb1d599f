// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/initialise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/mpi_runtime/model/small_model.h"

namespace r1 {
namespace {

double deviation_of(const std::vector<float>& values, const ParameterView& view) {
    double squares = 0;
    for (std::size_t i = 0; i < view.count; ++i) {
        const auto value = static_cast<double>(values[view.offset + i]);
        squares += value * value;
    }
    return std::sqrt(squares / static_cast<double>(view.count));
}

TEST(InitialParameters, EveryKindHasItsDeviation) {
    ModelShape shape = test::small_shape(true, false);
    shape.hidden = 96;
    shape.intermediate = 128;
    shape.vocabulary = 64;
    shape.attention = {3, 3, 32};
    const ParameterLayout layout(shape);
    const std::vector<float> values =
        initial_parameters(shape, layout, make_key(1, Purpose::kInit));
    for (const ParameterView& view : layout.views()) {
        const double fan_in = static_cast<double>(view.shape.back());
        double expected = 0;
        if (view.initial == InitialValue::kOne) expected = 1;
        if (view.initial == InitialValue::kEmbedding) expected = shape.initializer_range;
        if (view.initial == InitialValue::kLinear) expected = 1 / std::sqrt(fan_in);
        // Two layers write twice each into the residual stream.
        if (view.initial == InitialValue::kResidualOutput) expected = 0.5 / std::sqrt(fan_in);
        EXPECT_NEAR(deviation_of(values, view), expected, 0.04 * expected) << view.name;
    }
}

TEST(InitialParameters, SameKeySameValuesOtherKeyOtherValues) {
    const ModelShape shape = test::small_shape(false, false);
    const ParameterLayout layout(shape);
    const auto one = initial_parameters(shape, layout, make_key(1, Purpose::kInit));
    EXPECT_EQ(one, initial_parameters(shape, layout, make_key(1, Purpose::kInit)));
    EXPECT_NE(one, initial_parameters(shape, layout, make_key(2, Purpose::kInit)));
}

}  // namespace
}  // namespace r1
