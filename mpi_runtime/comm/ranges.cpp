// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/ranges.h"

#include <algorithm>

namespace r1 {

ValueRange piece_at(const ValueRange& range, std::size_t done, std::size_t values) {
    const std::size_t first = std::min(range.first + done, range.last);
    return {first, std::min(first + values, range.last)};
}

std::size_t longest(std::span<const ValueRange> ranges) {
    std::size_t values = 0;
    for (const ValueRange& range : ranges) values = std::max(values, range.size());
    return values;
}

std::vector<ValueRange> parts_of(ValueRange range, std::span<const ValueRange> owners) {
    std::vector<ValueRange> parts;
    for (const ValueRange& owner : owners) {
        const std::size_t first = std::clamp(owner.first, range.first, range.last);
        const std::size_t last = std::clamp(owner.last, range.first, range.last);
        parts.push_back({first - range.first, last - range.first});
    }
    return parts;
}

std::optional<std::size_t> equal_parts(std::span<const ValueRange> ranges) {
    const std::size_t size = ranges.front().size();
    for (std::size_t i = 0; i < ranges.size(); ++i)
        if (ranges[i].first != ranges[0].first + i * size || ranges[i].size() != size)
            return std::nullopt;
    return size;
}

}  // namespace r1
