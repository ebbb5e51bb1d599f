// SPDX-License-Identifier: Apache-2.0
// What tests set and ask of the emulated GPU.
#pragma once

#include <cstddef>
#include <cstdint>

namespace r1::emulated {

/// In which order blocks, warps of a block and lanes of a warp run. A kernel whose results depend
/// on it lacks a barrier. A warp runs until it waits for the block, except in the shuffled order,
/// where the turn passes at any meeting of lanes.
enum class Order { kAscending, kDescending, kShuffled };
void set_order(Order order, std::uint64_t seed = 0);

/// How many devices there are, what they can, and how much memory each has. The default is one of
/// sm_90 with 4 GiB.
struct Devices {
    int count = 1;
    int major = 9;
    int minor = 0;
    std::size_t memory_bytes = std::size_t{4} << 30;
};
void set_devices(const Devices& devices);

/// Kernels run so far.
std::int64_t launches();
/// Matrices that ldmatrix read so far of which two rows are in the same banks: the GPU takes more
/// than one turn for such a matrix.
std::int64_t bank_conflicts();
/// Allocations that were not freed yet.
std::size_t live_allocations();

}  // namespace r1::emulated
