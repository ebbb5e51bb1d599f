// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "common/random.h"

namespace r1 {

/// A permutation of 0 … count − 1 that depends on its arguments alone (Fisher-Yates).
inline std::vector<std::size_t> shuffled_order(std::size_t count, PhiloxKey key, std::uint32_t a,
                                               std::uint32_t b) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    RandomStream stream(key, a, b);
    for (std::size_t i = count; i > 1; --i)
        std::swap(order[i - 1], order[stream.below(static_cast<std::uint32_t>(i))]);
    return order;
}

}  // namespace r1
