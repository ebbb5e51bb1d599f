// SPDX-License-Identifier: Apache-2.0
// AdamW (Loshchilov & Hutter 2019, algorithm 2), in the order of operations of torch.optim.AdamW.
#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/backend.h"

namespace r1::reference {

template <class T>
double sum_squares(const T* x, std::size_t count) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
    return sum;
}

template <class T>
void adamw(T* weights, Wide<T>* master, const Wide<T>* gradients, Wide<T>* first_moment,
           Wide<T>* second_moment, std::size_t count, const AdamWStep& step) {
    const double exponent = static_cast<double>(step.step);
    const double step_size = step.learning_rate / (1 - std::pow(step.beta1, exponent));
    const double correction2 = std::sqrt(1 - std::pow(step.beta2, exponent));
    for (std::size_t i = 0; i < count; ++i) {
        const double g = static_cast<double>(gradients[i]) * step.gradient_scale;
        const double m = step.beta1 * static_cast<double>(first_moment[i]) + (1 - step.beta1) * g;
        const double v =
            step.beta2 * static_cast<double>(second_moment[i]) + (1 - step.beta2) * g * g;
        const double decayed =
            static_cast<double>(master[i]) * (1 - step.learning_rate * step.weight_decay);
        master[i] = static_cast<Wide<T>>(decayed - step_size * m /
                                                       (std::sqrt(v) / correction2 + step.epsilon));
        weights[i] = static_cast<T>(master[i]);
        first_moment[i] = static_cast<Wide<T>>(m);
        second_moment[i] = static_cast<Wide<T>>(v);
    }
}

}  // namespace r1::reference
