// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/parameter_shards.h"

#include <algorithm>
#include <numeric>

namespace r1 {

namespace {

constexpr std::size_t kMostCells = 8192;
constexpr std::size_t kCutValues = 2048;

/// Values between two places at which a tensor may be cut.
std::size_t cut_unit(const ParameterView& view) {
    const std::size_t row = view.count / static_cast<std::size_t>(view.shape.front());
    return std::lcm(row, kCutValues);
}

std::vector<std::size_t> make_cells(const ParameterLayout& layout) {
    const std::vector<ParameterView>& views = layout.views();
    const std::size_t least = (layout.size() + kMostCells - 1) / kMostCells;
    std::vector<std::size_t> cells{0};
    for (std::size_t i = 0; i < views.size(); ++i) {
        const ParameterView& view = views[i];
        const std::size_t end = i + 1 < views.size() ? views[i + 1].offset : layout.size();
        const std::size_t unit = cut_unit(view);
        for (;;) {
            // The first place in the tensor that is behind the last cut and makes the cell full.
            const std::size_t full = cells.back() + least;
            const std::size_t units = full > view.offset ? (full - view.offset - 1) / unit + 1 : 1;
            if (units * unit >= view.count) break;
            cells.push_back(view.offset + units * unit);
        }
        if (end - cells.back() >= least) cells.push_back(end);
    }
    if (cells.back() != layout.size()) cells.push_back(layout.size());
    return cells;
}

}  // namespace

ParameterShards::ParameterShards(const ParameterLayout& layout, int ranks)
    : cells_(make_cells(layout)) {
    for (const ParameterView& view : layout.views())
        tensors_.push_back({view.offset, view.offset + view.count});
    std::size_t first = 0;
    for (int rank = 0; rank < ranks; ++rank) {
        // The cell's end that is nearest to an equal part. In double: size × ranks may overflow.
        const double ideal = static_cast<double>(layout.size()) * (rank + 1) / ranks;
        const auto above = std::lower_bound(
            cells_.begin(), cells_.end(), ideal,
            [](std::size_t cell, double value) { return static_cast<double>(cell) < value; });
        std::size_t last = above == cells_.end() ? cells_.back() : *above;
        if (above != cells_.begin() &&
            ideal - static_cast<double>(*(above - 1)) < static_cast<double>(last) - ideal)
            last = *(above - 1);
        if (rank + 1 == ranks) last = layout.size();
        ranges_.push_back({first, last});
        first = last;
    }
}

std::vector<ParameterShards::Part> ParameterShards::parts(const ValueRange& range) const {
    std::vector<Part> parts;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
        const std::size_t first = std::max(range.first, tensors_[i].first);
        const std::size_t last = std::min(range.last, tensors_[i].last);
        if (first < last) parts.push_back({i, first - tensors_[i].first, last - first});
    }
    return parts;
}

}  // namespace r1
