// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/initialise.h"

#include <algorithm>
#include <cmath>

namespace r1 {

namespace {

double deviation(const ModelShape& shape, const ParameterView& view) {
    const double fan_in = static_cast<double>(view.shape.back());
    switch (view.initial) {
        case InitialValue::kEmbedding:
            return shape.initializer_range;
        case InitialValue::kLinear:
            return 1 / std::sqrt(fan_in);
        case InitialValue::kResidualOutput:
            return 1 / std::sqrt(fan_in * 2 * shape.layers);
        case InitialValue::kZero:
        case InitialValue::kOne:
            break;
    }
    return 0;
}

}  // namespace

std::vector<float> initial_parameters(const ModelShape& shape, const ParameterLayout& layout,
                                      PhiloxKey key) {
    std::vector<float> values(layout.size(), 0.0f);
    for (std::size_t index = 0; index < layout.views().size(); ++index) {
        const ParameterView& view = layout.views()[index];
        float* out = values.data() + view.offset;
        if (view.initial == InitialValue::kOne) std::fill_n(out, view.count, 1.0f);
        const double scale = deviation(shape, view);
        if (scale == 0) continue;
        const auto width = static_cast<std::size_t>(view.shape.back());
        for (std::size_t row = 0; row < view.count / width; ++row) {
            RandomStream stream(key, static_cast<std::uint32_t>(index),
                                static_cast<std::uint32_t>(row));
            for (std::size_t column = 0; column < width; ++column)
                out[row * width + column] = static_cast<float>(scale * stream.normal());
        }
    }
    return values;
}

}  // namespace r1
