// SPDX-License-Identifier: Apache-2.0
// Which rank keeps the optimizer's state of which parameters (ZeRO stage 1, Rajbhandari et al.
// 2020). Pure: every rank computes the same answer.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/model/parameter_layout.h"

namespace r1 {

/// Cuts the flat buffer into cells, and gives each rank consecutive ones. The cells depend on the
/// layout alone: what is computed by cell does not depend on the number of ranks. A cell ends where
/// a tensor ends, or inside of one at a whole row (of its first dimension) and a multiple of 2048
/// values from its first, which is 4 KiB in a file of 2-byte values. The gap behind a tensor
/// belongs to the cell before it.
class ParameterShards {
  public:
    ParameterShards(const ParameterLayout& layout, int ranks);

    /// The first value of every cell, ascending, and at last the end of the buffer. At most 8192
    /// cells; a small tensor shares its cell with its neighbours when the model is large.
    const std::vector<std::size_t>& cells() const { return cells_; }
    /// What each rank owns, by rank. One behind the other they are the whole buffer; a rank of a
    /// tiny model may own nothing.
    std::span<const ValueRange> ranges() const { return ranges_; }
    const ValueRange& of(int rank) const { return ranges_[static_cast<std::size_t>(rank)]; }

    /// A run of values of one tensor.
    struct Part {
        std::size_t view = 0;   ///< index into layout.views()
        std::size_t first = 0;  ///< value in the tensor
        std::size_t count = 0;
        friend bool operator==(const Part&, const Part&) = default;
    };
    /// The tensors' values in a range of the buffer, in the order of the layout.
    std::vector<Part> parts(const ValueRange& range) const;

  private:
    std::vector<ValueRange> tensors_;  // in the buffer, by view
    std::vector<std::size_t> cells_;
    std::vector<ValueRange> ranges_;
};

}  // namespace r1
