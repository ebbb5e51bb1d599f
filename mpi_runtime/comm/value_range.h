// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace r1 {

/// Values [first, last) of a buffer.
struct ValueRange {
    std::size_t first = 0;
    std::size_t last = 0;
    std::size_t size() const { return last - first; }
    friend bool operator==(const ValueRange&, const ValueRange&) = default;
};

}  // namespace r1
